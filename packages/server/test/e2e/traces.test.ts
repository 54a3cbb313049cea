import { expect, it } from 'vitest'
import { call, streamAll } from '../support/client.ts'
import { type ArrivedSpan, startCollector } from '../support/collector.ts'
import { newWorld, PATIENCE, startProgram } from './program.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

const attribute = ({ attributes }: ArrivedSpan, key: string) => {
  const { stringValue, intValue, doubleValue } = attributes.find((each) => each.key === key)?.value ?? {}
  return stringValue ?? intValue ?? doubleValue
}

it('a run of the real agent arrives at the collector as a span of its caller, with its tool calls in it', async () => {
  await using collector = await startCollector()
  const world = await newWorld({ model: true })
  Object.assign(world.environment, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector=yes',
    OTEL_SERVICE_NAME: 'my-agents',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  })
  const program = await startProgram(world)
  const sent = await call(`${program.base}/v1/agent/stream`, {
    method: 'POST',
    headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
    body: {
      conversation_id: 'c',
      cwd: world.folder('work'),
      text: '@bash echo secret-word\n@bash false\n@end Done, secret-word.',
      allowed_tools: ['Bash'],
    },
  })
  await expect.poll(() => collector.spans.length, PATIENCE).toBe(3)

  const run = collector.spans.find(({ name }) => name === 'invoke_agent claude-code')
  const calls = collector.spans.filter(({ name }) => name === 'execute_tool Bash')
  if (run === undefined) throw new Error('no span of the run')
  expect(run).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, kind: 2 })
  expect(attribute(run, 'claude_proxy.run_id')).toBe(sent.headers['x-proxy-run-id'])
  expect(attribute(run, 'gen_ai.conversation.id')).toBe('c')
  expect(attribute(run, 'claude_proxy.outcome')).toBe('success')
  expect(run.status.code ?? 0).toBe(0)
  const moments = run.events.map(({ name }) => name)
  expect(moments).toEqual(['prompt', 'agent_started', 'first_message'])
  const times = [run.startTimeUnixNano, ...run.events.map(({ timeUnixNano }) => timeUnixNano), run.endTimeUnixNano]
  expect(times.map(BigInt)).toEqual(times.map(BigInt).toSorted((a, b) => Number(a - b)))
  // From its start to its end something has passed: an agent had to start.
  expect(BigInt(run.endTimeUnixNano) - BigInt(run.startTimeUnixNano)).toBeGreaterThan(10_000_000n)
  expect(calls).toHaveLength(2)
  for (const each of calls) {
    expect(each).toMatchObject({ traceId: TRACE, parentSpanId: run.spanId })
    expect(BigInt(each.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(run.startTimeUnixNano))
    expect(BigInt(each.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(run.endTimeUnixNano))
  }
  expect(calls.map(({ status }) => status.code ?? 0).toSorted((a, b) => a - b)).toEqual([0, 2])

  expect(collector.resources).toContain('service.name=my-agents')
  expect(collector.resources).toContain('deployment.environment.name=test')
  expect(collector.headers[0]).toMatchObject({ 'x-collector': 'yes', 'content-type': 'application/json' })
  expect(collector.bodies[0]).toMatch(/^POST \/v1\/traces\n/)
  // What people and models say is nobody's but theirs.
  expect(collector.bodies.join('\n')).not.toContain('secret-word')
})

it('a prompt that waits is traced from its request on, and a stop sends what there is', async () => {
  await using collector = await startCollector()
  const world = await newWorld()
  world.environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] = `${collector.url}/v1/traces`
  // Longer than the test: only the stop sends.
  world.environment['OTEL_BSP_SCHEDULE_DELAY'] = '1000000'
  const program = await startProgram(world, ['--agent', 'scripted'])
  const cwd = world.folder('work')
  const made = await call(`${program.base}/v1/conversations`, { method: 'POST', body: { cwd } })
  const id = String(made.json?.['conversation_id'])
  const send = (text: string) =>
    call(`${program.base}/v1/conversations/${id}/messages`, {
      method: 'POST',
      body: { text },
      headers: { traceparent: '00-not-one-at-all' },
    })
  await send('@load n=1 delay=300')
  const queued = await send('second')
  expect(queued.json).toMatchObject({ outcome: 'queued' })
  const lines = async () => (await call(`${program.base}/v1/conversations/${id}/history`)).text
  await expect.poll(async () => (await lines()).match(/"type":"result"/g)?.length, PATIENCE).toBe(2)
  const third = await send('@hang')
  expect(third.json).toMatchObject({ outcome: 'begun' })
  expect(collector.bodies).toEqual([])
  program.signal('SIGTERM')
  expect(await program.exit).toEqual([0, null])

  const spans = collector.spans.filter(({ name }) => name.startsWith('invoke_agent'))
  expect(spans.map((span) => attribute(span, 'claude_proxy.outcome'))).toEqual(['success', 'success', 'interrupted'])
  // Each is a trace of its own.
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(3)
  const waited = spans.find((span) => attribute(span, 'claude_proxy.run_id') === queued.json?.['run_id'])
  expect(waited?.events.map(({ name }) => name)).toEqual(['prompt_queued', 'prompt', 'agent_started', 'first_message'])
  expect(spans.find((span) => attribute(span, 'claude_proxy.outcome') === 'interrupted')?.status).toMatchObject({
    code: 2,
  })
})

it('a collector that is not there keeps nothing from working; the log says so', async () => {
  const world = await newWorld()
  world.environment['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:1'
  world.environment['OTEL_BSP_SCHEDULE_DELAY'] = '10'
  world.environment['OTEL_EXPORTER_OTLP_TIMEOUT'] = '500'
  const program = await startProgram(world, ['--agent', 'scripted'])
  const events = await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' })
  expect(events.at(-1)?.event.type).toBe('result')
  await expect.poll(() => program.stderr, PATIENCE).toContain('traces could not be sent')
  program.signal('SIGTERM')
  expect(await program.exit).toEqual([0, null])
})

it('nothing of it is loaded when nobody collects', async () => {
  const loaded = async (endpoint: string) => {
    const world = await newWorld()
    // Node tells of every file that it loads.
    Object.assign(world.environment, { NODE_DEBUG: 'esm,module', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    const program = await startProgram(world, ['--agent', 'scripted'])
    await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' })
    program.signal('SIGTERM')
    await program.exit
    return program.stderr.includes('@opentelemetry')
  }
  expect(await loaded('')).toBe(false)
  expect(await loaded('http://127.0.0.1:1')).toBe(true)
})
