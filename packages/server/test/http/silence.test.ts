import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { type ClaudeAgentOptions, createClaudeAgent } from '../../src/agents/claude/agent.ts'
import { createMarks } from '../../src/agents/claude/mark.ts'
import { UNCOUNTED } from '../../src/core/ports/metrics.ts'
import { agentProcesses } from '../support/agent-processes.ts'
import { type Answer, call, stream, streamAll } from '../support/client.ts'
import { agentTestEnvironment, startTestService, type TestService } from '../support/service.ts'
import { expectWholeRuns } from './expectations.ts'

/** An agent that says nothing more leaves no run without an end, and no request without an answer. */

const PATIENCE = { timeout: 30_000 }

/** Time goes on as ever, and jumps when the test says so. */
function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
  onTestFinished(() => void vi.useRealTimers())
}

function stopAgent(service: TestService): void {
  const [agent, ...others] = agentProcesses(service)
  if (!agent || others.length > 0) throw new Error('the service has not just one agent process')
  process.kill(agent.pid, 'SIGSTOP')
}

test('a warm process that says nothing of a prompt ends the run with an error after a minute, and is ended', async () => {
  holdTheClock()
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'stopped', cwd: service.folder() }
  const first = await streamAll(service.base, { ...body, text: '@say Here.' })
  stopAgent(service)
  const live = await stream(service.base, { ...body, text: '@say Never.' }, first.length)
  await live.until(({ event }) => event.type === 'user')
  await vi.waitFor(() => {
    vi.advanceTimersByTime(60_000)
    expect(live.received.at(-1)?.event).toMatchObject({ type: 'result', is_error: true })
  }, PATIENCE)
  const received = await live.ended
  expectWholeRuns(received, 1, first.length + 1)
  expect(received.at(-1)?.event['result']).toContain('has said nothing for 60 s')
  const next = await streamAll(service.base, { ...body, text: '@say Back.' }, first.length + received.length)
  expect(next.at(-1)?.event).toMatchObject({ is_error: false })
})

test('a setting that a silent process need not be told of is answered all the same', async () => {
  holdTheClock()
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'deaf', cwd: service.folder() }
  await streamAll(service.base, { ...body, text: '@say Here.' })
  stopAgent(service)
  const asked = { method: 'PATCH', body: { permission_mode: 'default' } }
  let answer: Answer | undefined
  const answered = call(`${service.base}/v1/conversations/deaf`, asked).then((given) => (answer = given))
  await vi.waitFor(() => {
    vi.advanceTimersByTime(10_000)
    expect(answer).toBeDefined()
  }, PATIENCE)
  expect((await answered).status).toBe(200)
})

test('a process that ends before it gets its first prompt ends the run, and says why', async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-test-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))
  const folder = join(root, 'work') as Folder
  mkdirSync(folder)
  const processes: ClaudeAgentOptions['processes'] = {
    async addProcess({ pid }) {
      process.kill(pid, 'SIGKILL')
      await expect.poll(() => agent.load(), { timeout: 10_000 }).toMatchObject({ working: 0, resting: 0 })
    },
    removeProcess: async () => {},
  }
  const agent = createClaudeAgent({
    clock: Date,
    log: { info() {}, warn() {}, error() {} },
    processes,
    marks: createMarks(root),
    platform: process.platform,
    environment: agentTestEnvironment(root, 'http://127.0.0.1:9'),
    trusts: () => false,
    directory: join(root, 'agent'),
    showsPartials: false,
    startsAtOnce: 1,
    maxProcesses: 1,
    maxWarm: 0,
    warmMs: 0,
    warmBytes: 0,
    settleMs: 0,
    metrics: UNCOUNTED,
  })
  onTestFinished(() => agent.close())
  const work = agent.work({
    run: '0123456789abcdef0123456789abcdef' as RunId,
    conversation: 'gone' as ConversationId,
    folder,
    text: 'Hello',
    attached: [],
    options: {},
    sessionId: undefined,
    newestMessage: undefined,
    forbids: () => false,
  })
  const happened = await Array.fromAsync(work)
  expect(happened.at(-1)).toMatchObject({
    kind: 'end',
    result: { is_error: true, result: expect.stringMatching(/process has ended/) },
  })
})
