import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Answer, call, replay, type Stream, stream, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { type At, decide, post, questionOf, resultsOf, toolResultsOf } from './calls.ts'
import { expectError } from './expectations.ts'

/** Questions to a person as a resource: found from anywhere, answered once, there after a restart. */

const PATIENCE = { timeout: 30_000, interval: 20 }

function list(service: At, query = ''): Promise<Answer> {
  return call(`${service.base}/v1/approvals${query}`)
}

async function pending(service: At): Promise<Record<string, unknown>[]> {
  return (await list(service)).json?.['approvals'] as Record<string, unknown>[]
}

function answer(service: At, id: string, body: object, by = 'a phone'): Promise<Answer> {
  return post(service, `/v1/approvals/${id}`, body, { 'user-agent': by })
}

function settledOf(running: Stream, id: string) {
  const isIt = (event: Record<string, unknown>) =>
    event['type'] === 'tool_permission_settled' && event['permission_id'] === id
  return running.until(({ event }) => isIt(event))
}

test('what waits is found from any device, and the answer is the same for all', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'asks', cwd: service.folder(), text: '@ask tool=Bash' }
  const running = await stream(service.base, body)
  const id = await questionOf(running)
  const [found] = await pending(service)
  expect(found).toMatchObject({
    approval_id: id,
    conversation_id: 'asks',
    state: 'pending',
    kind: 'tool',
    tool_name: 'Bash',
    input: { command: 'true' },
    settled_at: null,
  })
  expect((await call(`${service.base}/v1/approvals/${id}`)).json).toEqual(found)
  expect((await list(service, '?conversation_id=other')).json).toEqual({ approvals: [] })

  const first = await answer(service, id, { behavior: 'allow' }, 'a phone')
  expect(first).toMatchObject({ status: 200, json: { state: 'allowed', settled_by: 'a phone' } })
  const late = await answer(service, id, { behavior: 'deny' }, 'a laptop')
  expectError(late, 409, 'already_resolved')
  expect(late.json).toMatchObject({ approval_id: id, state: 'allowed', by: 'a phone', at: first.json?.['settled_at'] })
  expectError(await decide(service, 'asks', body.cwd, id, { behavior: 'allow' }), 404, 'permission_not_found')

  const received = await running.ended
  expect(toolResultsOf(received)).toMatchObject([{ is_error: false }])
  expect((await settledOf(running, id)).event).toMatchObject({ how: 'answered', behavior: 'allow', by: 'a phone' })
  expect(await pending(service)).toEqual([])
  expect((await list(service, '?state=all&conversation_id=asks')).json).toEqual({ approvals: [first.json] })
})

test('of many who answer at once one is heard, and every other is told who it was', async () => {
  await using service = await startTestService()
  const running = await stream(service.base, { conversation_id: 'race', cwd: service.folder(), text: '@ask' })
  const id = await questionOf(running)
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => answer(service, id, { behavior: n % 2 ? 'allow' : 'deny' }, `device ${n}`)),
  )
  const [winner, ...others] = answers.toSorted((a, b) => a.status - b.status)
  expect(winner?.status).toBe(200)
  for (const other of others) expect(other.json).toMatchObject({ by: winner?.json?.['settled_by'] })
  await running.ended
  const settled = running.received.filter(({ event }) => event.type === 'tool_permission_settled')
  expect(settled).toHaveLength(1)
})

test('of many who answer at once at the old door one is heard, and for the others nothing is open', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const running = await stream(service.base, { conversation_id: 'old', cwd, text: '@ask' })
  const id = await questionOf(running)
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => decide(service, 'old', cwd, id, { behavior: 'allow' })),
  )
  const [first, ...others] = answers.toSorted((a, b) => a.status - b.status)
  expect(first).toMatchObject({ status: 200, json: { ok: true } })
  for (const other of others) expectError(other, 404, 'permission_not_found')
  expect(toolResultsOf(await running.ended)).toMatchObject([{ is_error: false }])
})

test('what does not fit is refused with a sentence, and the question stays open', async () => {
  await using service = await startTestService()
  const running = await stream(service.base, { conversation_id: 'bad', cwd: service.folder(), text: '@ask tool=Odd' })
  const id = await questionOf(running)
  expectError(await answer(service, 'f'.repeat(32), { behavior: 'allow' }), 404, 'approval_unknown')
  expectError(await answer(service, 'nonsense', { behavior: 'allow' }), 400, 'bad_request')
  expectError(await answer(service, id, { behavior: 'maybe' }), 400, 'bad_request')
  expectError(await answer(service, id, { behavior: 'allow', answers: { a: 'b' } }), 400, 'bad_request')
  expectError(await answer(service, id, { behavior: 'deny', remember: 'session' }), 400, 'bad_request')
  expectError(await call(`${service.base}/v1/approvals/${'f'.repeat(32)}`), 404, 'approval_unknown')
  expectError(await list(service, '?limit=0'), 400, 'bad_request')
  expect(await pending(service)).toHaveLength(1)
  await answer(service, id, { behavior: 'deny', message: 'Not today.' })
  expect(toolResultsOf(await running.ended)).toMatchObject([{ is_error: true, content: 'Not today.' }])
})

test('without a deadline a question waits; with one of its own it ends as it was declared', async () => {
  await using service = await startTestService({ config: { permissionSeconds: 0 } })
  const waiting = await stream(service.base, { conversation_id: 'waits', cwd: service.folder(), text: '@ask' })
  const id = await questionOf(waiting)
  expect(await pending(service)).toMatchObject([{ approval_id: id, deadline: null }])
  const approval_deadline = { seconds: 1, outcome: 'deny' }
  const body = { conversation_id: 'ends', cwd: service.folder(), text: '@ask', approval_deadline }
  const received = await streamAll(service.base, body)
  expect(received.find(({ event }) => event.type === 'tool_permission_settled')?.event).toMatchObject({
    how: 'expired',
    by: 'deadline',
    message: 'Permission request timed out.',
  })
  expect(await pending(service)).toMatchObject([{ approval_id: id }])
  await answer(service, id, { behavior: 'allow' })
  await waiting.ended
  const strict = { seconds: 1, outcome: 'interrupt' }
  const stops = { conversation_id: 'stops', cwd: service.folder(), text: '@ask', approval_deadline: strict }
  const stopped = await streamAll(service.base, stops)
  expect(stopped.at(-1)?.event).toMatchObject({ type: 'result', subtype: 'interrupted' })
})

test('"always allow" keeps exactly the rule that was shown, where it was said, until it is taken back', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const ask = async (conversation_id: string, text: string, at = cwd) => {
    const known = await replay(service.base, conversation_id).catch(() => [])
    return stream(service.base, { conversation_id, cwd: at, text }, known.length)
  }
  const first = await ask('rules', '@bash touch a.txt')
  const id = await questionOf(first)
  expect((await pending(service))[0]).toMatchObject({ rules: ['Bash(touch a.txt)'] })
  await answer(service, id, { behavior: 'allow', remember: 'project' })
  await first.ended
  expect(existsSync(join(cwd, '.claude'))).toBe(false)

  const again = await ask('rules', '@bash touch a.txt')
  expect((await again.ended).some(({ event }) => event.type === 'tool_permission')).toBe(false)
  const other = await ask('rules', '@bash touch b.txt')
  await answer(service, await questionOf(other), { behavior: 'deny' })
  await other.ended
  const elsewhere = await ask('elsewhere', '@bash touch a.txt', service.folder())
  await answer(service, await questionOf(elsewhere), { behavior: 'deny' })
  await elsewhere.ended

  const rules = await call(`${service.base}/v1/approval-rules?cwd=${encodeURIComponent(cwd)}`)
  const [rule] = (rules.json?.['rules'] ?? []) as Record<string, unknown>[]
  expect(rule).toMatchObject({ scope: 'project', rule: 'Bash(touch a.txt)', cwd, approval_id: id })
  expect((await call(`${service.base}/v1/approval-rules`)).json).toEqual(rules.json)
  const remove = () => call(`${service.base}/v1/approval-rules/${String(rule?.['rule_id'])}`, { method: 'DELETE' })
  expect((await remove()).status).toBe(200)
  expectError(await remove(), 404, 'rule_unknown')
  const asked = await ask('rules', '@bash touch a.txt')
  await answer(service, await questionOf(asked), { behavior: 'deny' })
  await asked.ended
})

test.each(['scripted', 'claude'] as const)(
  'a question of %s outlives a restart; answered, it is told to the agent and holds for that call, once',
  async (agent) => {
    await using service = await startTestService({ agent })
    const cwd = service.folder()
    const text = agent === 'claude' ? '@bash touch late.txt' : '@ask tool=Bash'
    const before = await stream(service.base, { conversation_id: 'late', cwd, text })
    const id = await questionOf(before)
    await service.restart()
    await before.ended
    expect(resultsOf(before.received)).toHaveLength(1)
    expect(await pending(service)).toMatchObject([{ approval_id: id, state: 'pending' }])

    expect(await answer(service, id, { behavior: 'allow' })).toMatchObject({ status: 200 })
    await expect.poll(async () => resultsOf(await replay(service.base, 'late')).length, PATIENCE).toBe(2)
    const log = await replay(service.base, 'late')
    const events = log.map(({ event }) => event)
    expect(events.filter(({ type }) => type === 'tool_permission')).toHaveLength(1)
    const begun = events.findIndex(({ subtype }) => subtype === 'run_continued')
    expect(events[begun]).toMatchObject({ permission_ids: [id], content: expect.stringContaining('allowed') })
    expect(events.findIndex(({ type }) => type === 'tool_permission_settled')).toBe(begun - 1)
    expect(toolResultsOf(log.slice(begun)).some(({ is_error }) => is_error === true)).toBe(false)
    expect(resultsOf(log).at(-1)?.event).toMatchObject({ is_error: false })
    if (agent === 'claude') expect(existsSync(join(cwd, 'late.txt'))).toBe(true)
    expect(service.complaints.filter((line) => !line.includes('cut off'))).toEqual([])

    // Once: the same call is another question now.
    const after = await stream(service.base, { conversation_id: 'late', cwd, text }, log.length)
    await decide(service, 'late', cwd, await questionOf(after), { behavior: 'deny' })
    await after.ended
  },
)

test.each(['scripted', 'claude'] as const)(
  'a denial that interrupts ends the turn of %s, and the end says so',
  async (agent) => {
    await using service = await startTestService({ agent })
    const text = agent === 'claude' ? '@bash touch never.txt\n@say On I go.' : '@ask tool=Bash @ask tool=Read'
    const running = await stream(service.base, { conversation_id: 'enough', cwd: service.folder(), text })
    await answer(service, await questionOf(running), { behavior: 'deny', message: 'Enough.', interrupt: true })
    const received = await running.ended
    expect(received.at(-1)?.event).toMatchObject({
      type: 'result',
      subtype: 'interrupted',
      is_error: true,
      result: 'Interrupted by user. Enough.',
    })
    expect(received.filter(({ event }) => event.type === 'tool_permission')).toHaveLength(1)
  },
)

test('what was told once is not told again, also when the agent made no use of it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'told', cwd: service.folder() }
  const before = await stream(service.base, { ...body, text: '@bash touch never.txt' })
  const id = await questionOf(before)
  await service.restart()
  await answer(service, id, { behavior: 'deny' })
  await expect.poll(async () => resultsOf(await replay(service.base, 'told')).length, PATIENCE).toBe(2)
  await service.restart()
  await streamAll(service.base, { ...body, text: 'Hello' }, 0)
  const log = await replay(service.base, 'told')
  expect(log.filter(({ event }) => event.subtype === 'run_continued')).toHaveLength(1)
  expect(resultsOf(log)).toHaveLength(3)
})

test('a call can be allowed with another input: that is what runs, and all see it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const running = await stream(service.base, { conversation_id: 'instead', cwd, text: '@bash touch asked.txt' })
  const id = await questionOf(running)
  const updated_input = { command: 'touch instead.txt', description: 'Another one' }
  await answer(service, id, { behavior: 'allow', updated_input })
  expect((await settledOf(running, id)).event).toMatchObject({ updated_input })
  await running.ended
  expect([existsSync(join(cwd, 'asked.txt')), existsSync(join(cwd, 'instead.txt'))]).toEqual([false, true])
})

test('a mode in which nobody is asked does not come back by itself after a restart', async () => {
  await using service = await startTestService({ config: { allowBypass: true } })
  const body = { conversation_id: 'bypass', cwd: service.folder(), permission_mode: 'bypassPermissions' }
  const before = await stream(service.base, { ...body, text: '@ask' })
  const id = await questionOf(before)
  await service.restart()
  await answer(service, id, { behavior: 'allow' })
  await expect.poll(async () => resultsOf(await replay(service.base, 'bypass')).length, PATIENCE).toBe(2)
  const inits = (await replay(service.base, 'bypass')).filter(({ event }) => event.subtype === 'init')
  expect(inits.map(({ event }) => event['permissionMode'])).toEqual(['bypassPermissions', 'default'])
})

test('a new prompt takes the place of what a cut-off run still asked, visibly', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'moved-on', cwd: service.folder() }
  const before = await stream(service.base, { ...body, text: '@ask' })
  const id = await questionOf(before)
  await service.restart()
  const after = await stream(service.base, { ...body, text: 'Never mind.' }, 0)
  expect((await settledOf(after, id)).event).toMatchObject({ how: 'cancelled', message: 'A new prompt came.' })
  await after.ended
  expectError(await answer(service, id, { behavior: 'allow' }), 409, 'already_resolved')
  expect(resultsOf(await replay(service.base, 'moved-on'))).toHaveLength(2)
})

test('an interrupt withdraws what a cut-off run still asked, visibly', async () => {
  await using service = await startTestService()
  const running = await stream(service.base, { conversation_id: 'stop', cwd: service.folder(), text: '@ask' })
  const id = await questionOf(running)
  await service.restart()
  expect(await post(service, '/v1/conversations/stop/interrupt', {})).toMatchObject({ status: 200 })
  expect(await pending(service)).toEqual([])
  const settled = (await replay(service.base, 'stop')).at(-1)
  expect(settled?.event).toMatchObject({ type: 'tool_permission_settled', permission_id: id, how: 'cancelled' })
})

const QUESTIONS = [
  {
    question: 'Which one?',
    header: 'One',
    multiSelect: false,
    options: [
      { label: 'A', description: 'the first' },
      { label: 'B', description: 'the second' },
    ],
  },
]

test('a question with choices is offered to a client that can answer it, and its answer reaches the agent', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const text = `@tool AskUserQuestion ${JSON.stringify({ questions: QUESTIONS })}`
  const body = { conversation_id: 'choice', cwd: service.folder(), text, can_answer: ['question'] }
  const running = await stream(service.base, body)
  const id = await questionOf(running)
  expect(await pending(service)).toMatchObject([{ kind: 'question', input: { questions: QUESTIONS }, rules: [] }])
  expectError(await answer(service, id, { behavior: 'allow', answers: { 'Which two?': 'B' } }), 400, 'bad_request')
  expectError(await answer(service, id, { behavior: 'allow', answers: { 'Which one?': 2 } }), 400, 'bad_request')
  await answer(service, id, { behavior: 'allow', answers: { 'Which one?': 'B' } })
  expect(JSON.stringify(toolResultsOf(await running.ended))).toContain('B')
  expect((await settledOf(running, id)).event).toMatchObject({ updated_input: { answers: { 'Which one?': 'B' } } })
})

test('an agent is not offered what the client cannot answer', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const tools = async (can_answer?: string[]) => {
    const conversation_id = `tools-${can_answer?.length ?? 0}`
    const body = { conversation_id, cwd: service.folder(), text: 'Hello', can_answer }
    const received = await streamAll(service.base, body)
    const init = received.find(({ event }) => event.subtype === 'init')
    const offered = (init?.event['tools'] ?? []) as string[]
    return ['AskUserQuestion', 'ExitPlanMode'].filter((tool) => offered.includes(tool))
  }
  expect(await tools()).toEqual([])
  expect(await tools(['question'])).toEqual(['AskUserQuestion'])
  expect(await tools(['question', 'plan'])).toEqual(['AskUserQuestion', 'ExitPlanMode'])
})

test('a plan is shown in its words, and goes ahead when the person says so', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const more = { conversation_id: 'plan', cwd, permission_mode: 'plan', can_answer: ['plan'] }
  const before = await streamAll(service.base, { ...more, text: 'Make a plan.' })
  // Claude Code tells the model where to write it.
  const [file = ''] = /\/[^\s"]+\/plans\/[^\s"]+\.md/.exec(JSON.stringify(service.model?.requests())) ?? []
  const text = `@write ${file} First this,\\nthen that.\n@tool ExitPlanMode {}\n@bash touch planned.txt`
  const running = await stream(service.base, { ...more, text }, before.length)
  const id = await questionOf(running)
  expect(await pending(service)).toMatchObject([
    { kind: 'plan', tool_name: 'ExitPlanMode', input: { plan: 'First this,\nthen that.', planFilePath: file } },
  ])
  await answer(service, id, { behavior: 'allow' })
  await expect.poll(async () => (await pending(service)).length, PATIENCE).toBe(1)
  const [command] = await pending(service)
  expect(command).toMatchObject({ kind: 'tool', tool_name: 'Bash' })
  await answer(service, String(command?.['approval_id']), { behavior: 'allow' })
  await running.ended
  expect(existsSync(join(cwd, 'planned.txt'))).toBe(true)
})

test('an MCP server may ask the person, when the client says that it can answer', async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-trusted-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  await using service = await startTestService({ agent: 'claude', config: { trustedRoots: [root] } })
  const asking = { command: process.execPath, args: [join(import.meta.dirname, 'asking-server.ts')] }
  const body = {
    conversation_id: 'elicit',
    cwd: root,
    text: '@tool mcp__asking__colour {}',
    mcp_servers: { asking },
    allowed_tools: ['mcp__asking'],
  }
  const running = await stream(service.base, { ...body, can_answer: ['elicitation'] })
  const id = await questionOf(running)
  expect(await pending(service)).toMatchObject([
    {
      kind: 'elicitation',
      tool_name: 'mcp__asking',
      input: { message: 'Which colour?', requestedSchema: {} },
      rules: [],
    },
  ])
  for (const answers of [{ colour: 7 }, { color: 'green' }, {}])
    expectError(await answer(service, id, { behavior: 'allow', answers }), 400, 'bad_request')
  await answer(service, id, { behavior: 'allow', answers: { colour: 'green' } })
  const received = await running.ended
  expect(JSON.stringify(toolResultsOf(received))).toContain('green')

  const deaf = await streamAll(service.base, body, received.length)
  expect(deaf.some(({ event }) => event.type === 'tool_permission')).toBe(false)
  expect(JSON.stringify(toolResultsOf(deaf))).not.toContain('green')
})

test('four calls wait at once; two are answered here and there, the rest after kill and start', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const files = ['1', '2', '3', '4'].map((name) => join(cwd, '..', `read-${name}.txt`))
  const text = files
    .map((path, n) => `${n > 0 ? '& ' : ''}@tool Read ${JSON.stringify({ file_path: path })}`)
    .join('\n')
  const running = await stream(service.base, { conversation_id: 'four', cwd, text })
  await expect.poll(async () => (await pending(service)).length, PATIENCE).toBe(4)
  const ids = (await pending(service)).map((each) => String(each['approval_id']))
  await answer(service, String(ids[0]), { behavior: 'deny' }, 'a phone')
  expect(await decide(service, 'four', cwd, String(ids[1]), { behavior: 'deny' })).toMatchObject({ status: 200 })
  await service.restart()
  await running.ended
  const left = (await pending(service)).map((each) => String(each['approval_id']))
  expect(left).toEqual(ids.slice(2))
  await answer(service, String(left[0]), { behavior: 'allow' })
  expect(resultsOf(await replay(service.base, 'four'))).toHaveLength(1)
  await answer(service, String(left[1]), { behavior: 'allow' })
  await expect.poll(async () => resultsOf(await replay(service.base, 'four')).length, PATIENCE).toBe(2)
  const asked = (await replay(service.base, 'four')).filter(({ event }) => event.type === 'tool_permission')
  expect(asked).toHaveLength(4)
})
