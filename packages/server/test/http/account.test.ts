import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { type AgentName, startTestService } from '../support/service.ts'
import { interrupt } from './calls.ts'
import { atRest, made, PATIENCE, run, send, show } from './conversation-calls.ts'
import { CLAUDE, SCRIPTED, type Words } from './words.ts'

/** What a conversation has come to: PROTOCOL.md section 3.19. */

const DOOR = '/v1/conversations'
const AGENTS: [AgentName, Words][] = [
  ['scripted', SCRIPTED],
  ['claude', CLAUDE],
]

test.each(AGENTS)('with %s a conversation that has had no run says so, and starts no agent', async (agent) => {
  await using service = await startTestService({ agent })
  const shown = await show(service, await made(service))
  expect(shown).toMatchObject({ runs: 0, cost_usd: null, context: null, last_error: null })
  expect(shown.usage).toEqual({
    input_tokens: 0,
    output_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  })
  expect(shown.versions).toMatchObject({ service: expect.stringMatching(/./), claude_code: null })
  expect(service.model?.requests() ?? []).toEqual([])
})

test.each(AGENTS)('with %s each run is counted once: in a warm process, and after a restart', async (agent, words) => {
  await using service = await startTestService({ agent })
  const id = await made(service)
  const first = await run(service, id, words.use(1000, 50))
  expect(first).toMatchObject({ runs: 1, usage: { input_tokens: 1000, output_tokens: 50 } })
  expect(first.cost_usd).toBeGreaterThan(0)
  expect(first.context).toMatchObject({ tokens: 1050 })
  const second = await run(service, id, words.use(3000, 10))
  expect(second).toMatchObject({ runs: 2, usage: { input_tokens: 4000, output_tokens: 60 } })
  expect(second.context).toEqual({
    tokens: 3010,
    window: expect.any(Number),
    percent: expect.any(Number),
    from: 'last_response',
  })
  await service.restart()
  expect(await show(service, id)).toEqual(second)
  // The resumed session goes on from the totals it had; what is new is counted.
  const third = await run(service, id, words.use(7, 7))
  expect(third).toMatchObject({ runs: 3, usage: { input_tokens: 4007, output_tokens: 67 } })
  expect(third.cost_usd).toBeLessThan((second.cost_usd ?? 0) * 2)
  if (agent === 'claude')
    expect(third.versions).toEqual({
      service: expect.any(String),
      agent_sdk: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      claude_code: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    })
})

test.each(AGENTS)(
  'with %s the last error is told with its time, and is gone when a run ends well',
  async (agent, words) => {
    await using service = await startTestService({ agent })
    const id = await made(service)
    const before = Date.now()
    const failed = await run(service, id, words.fail)
    expect(failed.last_error).toEqual({
      code: expect.stringMatching(/^(api_error|error_during_execution)$/),
      message: expect.stringMatching(/./),
      run_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      at: expect.stringMatching(/Z$/),
    })
    expect(Date.parse(failed.last_error?.at ?? '')).toBeGreaterThanOrEqual(before)
    await send(service, id, words.hang)
    await expect.poll(async () => (await show(service, id)).state, PATIENCE).toBe('running')
    await interrupt(service, id)
    expect((await atRest(service, id)).last_error).toEqual(failed.last_error)
    expect((await run(service, id, words.say('Well.'))).last_error).toBeNull()
  },
)

test.each(AGENTS)('with %s what a run has used is shown while it goes on, in snapshots too', async (agent, words) => {
  await using service = await startTestService({ agent })
  const id = await made(service)
  await run(service, id, words.use(10, 1))
  const going = `${words.use(20, 2)}\n${words.ask}`
  await send(service, id, going)
  await expect.poll(async () => (await show(service, id)).context?.tokens, PATIENCE).toBe(22)
  expect(await show(service, id)).toMatchObject({ runs: 2, state: expect.stringMatching(/running|waiting/) })
  const stream = await call(`${service.base}${DOOR}/${id}/stream?snapshot=true&since=head&close_after=1`)
  const snapshot = /event: snapshot\ndata: (.*)\n/.exec(stream.text)?.[1] ?? '{}'
  expect(JSON.parse(snapshot)).toMatchObject({ runs: 2, context: { tokens: 22 }, last_error: null })
})

test('a deleted conversation takes its sums along', async () => {
  await using service = await startTestService()
  const id = await made(service)
  await run(service, id, SCRIPTED.use(5, 5))
  expect((await call(`${service.base}${DOOR}/${id}`, { method: 'DELETE' })).status).toBe(200)
  expect((await call(`${service.base}${DOOR}/${id}`)).status).toBe(404)
})

test('what subagents use is counted, and does not fill the context', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await made(service)
  const agentCall = {
    description: 'd',
    prompt: '@usage 5000 1\n@say from below',
    subagent_type: 'general-purpose',
    run_in_background: false,
  }
  const shown = await run(service, id, `@usage 30 3\n@tool Agent ${JSON.stringify(agentCall)}\n@end Done.`, {
    allowed_tools: ['Agent'],
  })
  expect(shown).toMatchObject({ usage: { input_tokens: 5060, output_tokens: 7 }, context: { tokens: 33 } })
})
