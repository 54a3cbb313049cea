import { describe, expect, test } from 'vitest'
import { signalAll } from '../../src/agents/claude/process-tree.ts'
import { agentProcesses } from '../support/agent-processes.ts'
import { call } from '../support/client.ts'
import { type AgentName, startTestService, type TestService } from '../support/service.ts'
import { type Watching, watch } from '../support/watching.ts'
import { type At, interrupt, post } from './calls.ts'

/** What is being written can be watched, by those who ask for it, until the event comes that holds it. */

const PATIENCE = { timeout: 30_000, interval: 20 }

/** A text in pieces, over some seconds. */
const SLOWLY: Record<AgentName, string> = {
  scripted: '@draft size=1200 chunk=10 every=20',
  claude: '@slow 80\n@text 1200\n@end .',
}
/** One that nobody waits for. */
const FOR_LONG: Record<AgentName, string> = {
  scripted: '@draft size=100000 chunk=10 every=20',
  claude: '@slow 80\n@text 100000\n@end .',
}

async function begin(service: TestService, text: string, more: object = {}): Promise<string> {
  const { json } = await post(service, '/v1/conversations', { cwd: service.folder() })
  const id = String(json?.['conversation_id'])
  await say(service, id, text, more)
  return id
}

async function say(service: At, id: string, text: string, more: object = {}): Promise<void> {
  expect(await post(service, `/v1/conversations/${id}/messages`, { text, ...more })).toMatchObject({ status: 202 })
}

const isOver = (watching: Watching) => expect.poll(() => watching.events('result').length, PATIENCE).toBe(1)
const isAmid = (watching: Watching) => expect.poll(() => watching.onlooker.longest, PATIENCE).toBeGreaterThan(50)

const history = async (service: At, id: string) => (await call(`${service.base}/v1/conversations/${id}/history`)).text

/** What came, in order: pieces, and the types of events. */
const order = ({ shown }: Watching) => shown.map((each) => ('piece' in each ? 'piece' : each.event.event.type))

describe.each(['scripted', 'claude'] as const)('with %s', (agent) => {
  test('a text is watched while it is written; who comes late gets what there is of it, and no number is used', async () => {
    await using service = await startTestService({ agent })
    const id = await begin(service, SLOWLY[agent])
    const first = await watch(service.base, id)
    await isAmid(first)
    const late = await watch(service.base, id, '?partials=true&since=head')
    await expect.poll(() => late.pieces('text')[0]?.text?.length, PATIENCE).toBeGreaterThan(50)
    await isOver(first)
    await isOver(late)
    for (const watching of [first, late]) {
      expect(watching.onlooker.mistakes).toEqual([])
      expect(watching.onlooker.longest).toBeGreaterThan(150)
      expect(watching.pieces('text').filter(({ offset }) => offset === 0)).toHaveLength(1)
      expect(order(watching).at(-1)).toBe('result')
    }
    expect(first.pieces('text').length).toBeGreaterThan(5)
    expect(
      first
        .events()
        .map(({ data }) => `${data}\n`)
        .join(''),
    ).toBe(await history(service, id))
    first.cut()
    late.cut()
  })

  test('who does not ask for it gets the stream that there is without it, byte for byte', async () => {
    await using service = await startTestService({ agent })
    const id = await begin(service, SLOWLY[agent])
    const asks = await watch(service.base, id)
    const plain = await Promise.all(['', '?partials=false'].map((query) => watch(service.base, id, query)))
    await isOver(asks)
    const lines = (await history(service, id)).split('\n').slice(0, -1)
    const frames = `retry: 1000\n\n${lines.map((line, n) => `id: ${n + 1}\ndata: ${line}\n\n`).join('')}`
    for (const watching of plain) {
      await isOver(watching)
      expect(watching.text()).toBe(frames)
      watching.cut()
    }
    expect(asks.pieces('text').length).toBeGreaterThan(5)
    asks.cut()
  })

  test('an interrupt in the middle of a text leaves no draft behind, also for who comes then', async () => {
    await using service = await startTestService({ agent })
    const id = await begin(service, FOR_LONG[agent])
    const watching = await watch(service.base, id)
    await isAmid(watching)
    await interrupt(service, id)
    await isOver(watching)
    expect(watching.events('result')[0]?.event).toMatchObject({ subtype: 'interrupted' })
    const next = await watch(service.base, id)
    await isOver(next)
    await say(service, id, 'Go on.')
    await expect.poll(() => next.events('result').length, PATIENCE).toBe(2)
    expect(next.onlooker.mistakes).toEqual([])
    expect(watching.onlooker.mistakes).toEqual([])
    const firstRun = watching.pieces()[0]?.run_id
    expect(next.pieces().filter(({ run_id: run }) => run === firstRun)).toEqual([])
    expect(watching.onlooker.drafts.size).toBe(0)
    watching.cut()
    next.cut()
  })

  test('where the operator does not want it, nothing is shown', async () => {
    await using service = await startTestService({ agent, config: { partials: false } })
    const id = await begin(service, SLOWLY[agent])
    const watching = await watch(service.base, id)
    await isOver(watching)
    expect(watching.status).toBe(200)
    expect(watching.pieces()).toEqual([])
    watching.cut()
  })
})

test('an agent that is killed in the middle of a text takes its drafts with it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await begin(service, FOR_LONG.claude)
  const watching = await watch(service.base, id)
  await isAmid(watching)
  await signalAll(agentProcesses(service), 'SIGKILL')
  await isOver(watching)
  expect(watching.events('result')[0]?.event).toMatchObject({ subtype: 'agent_died' })
  expect(watching.onlooker).toMatchObject({ mistakes: [], drafts: new Map() })
  expect(order(watching).at(-1)).toBe('result')
  const late = await watch(service.base, id)
  await isOver(late)
  expect(late.pieces()).toEqual([])
  watching.cut()
  late.cut()
})

test('thinking and the input of a tool are watched as well, each with the name of what it becomes', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const thought = 'A thought that is longer than one piece, so that it has a middle.'
  const id = await begin(service, `@slow 60\n@think ${thought}\n@bash echo ${'x'.repeat(100)}\n@end .`, {
    allowed_tools: ['Bash'],
  })
  const watching = await watch(service.base, id)
  await isOver(watching)
  expect(watching.onlooker.mistakes).toEqual([])
  const calling = watching.events('assistant').find(({ data }) => data.includes('"tool_use"'))
  const said = calling?.event['message'] as { id: string; content: { id: string }[] } | undefined
  const input = watching.pieces('tool_input')
  expect(input[0]).toMatchObject({
    message_id: said?.id,
    tool_use_id: said?.content[0]?.id,
    tool_name: 'Bash',
    offset: 0,
  })
  expect(input.map(({ text }) => text).join('')).toContain(`{"command":"echo ${'x'.repeat(60)}`)
  const thinking = watching
    .pieces('thinking')
    .map(({ text }) => text)
    .join('')
  expect(thinking.length).toBeGreaterThan(30)
  expect(thought.startsWith(thinking)).toBe(true)
  watching.cut()
})

test('an API that is overloaded is waited for in public', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await begin(service, '@status 429 1 1\n@end Here I am.')
  const watching = await watch(service.base, id)
  await isOver(watching)
  const statuses = watching.pieces('status')
  const names = statuses.map(({ status }) => status)
  expect(names).toContain('retrying')
  expect(names.slice(names.indexOf('retrying'))).toEqual(['retrying', null])
  expect(statuses.find(({ status }) => status === 'retrying')).toMatchObject({
    attempt: 1,
    max_retries: 1,
    error_status: 429,
    error: 'rate_limit',
    retry_delay_ms: expect.any(Number),
    retry_at: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  watching.cut()
})

test('a text that the API breaks off is taken back, and written anew', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await begin(service, `@break 8\n${SLOWLY.claude}`)
  const watching = await watch(service.base, id)
  await isOver(watching)
  const pieces = watching.pieces('text')
  const taken = pieces.findIndex(({ text }) => text === null)
  expect(taken).toBeGreaterThan(0)
  expect(pieces[taken + 1]).toMatchObject({ offset: 0, block: 0 })
  expect(pieces[taken + 1]?.message_id).not.toBe(pieces[0]?.message_id)
  expect(watching.onlooker.mistakes).toEqual([])
  expect(watching.events('assistant')).toHaveLength(1)
  watching.cut()
})

test('of an agent in the background it is told how far it has come', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const task = {
    description: 'look',
    prompt: '@bash echo one\n@bash echo two\n@end Seen.',
    subagent_type: 'general-purpose',
  }
  const id = await begin(service, `@tool Agent ${JSON.stringify(task)}\n@end .`, { allowed_tools: ['Agent', 'Bash'] })
  const watching = await watch(service.base, id)
  await isOver(watching)
  const [progress] = watching.pieces('task_progress')
  expect(progress).toMatchObject({ task_id: expect.any(String), tool_use_id: expect.stringMatching(/^toolu_/) })
  expect(watching.onlooker.mistakes).toEqual([])
  watching.cut()
})

test.each(['maybe', '1', ''])('partials=%s is refused', async (value) => {
  await using service = await startTestService()
  const id = await begin(service, 'Hello.')
  expect(await call(`${service.base}/v1/conversations/${id}/stream?partials=${value}`)).toMatchObject({
    status: 400,
    json: { error: 'bad_request' },
  })
})
