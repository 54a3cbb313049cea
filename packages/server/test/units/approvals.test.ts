import { expect, onTestFinished, test, vi } from 'vitest'
import type { ApprovalId } from '@claude-proxy/protocol/ids'
import { type Approvals, createApprovals } from '../../src/core/approvals/approvals.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog, type EventLog } from '../../src/core/log/log.ts'
import type { PermissionRequest } from '../../src/core/ports/agent.ts'
import type { PermissionDecision } from '../../src/core/ports/approval.ts'
import type { Run, RunOptions } from '../../src/core/ports/run.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, newRun } from '../contract/samples.ts'

const quiet = { info() {}, warn() {}, error() {} }
const DAY_MS = 24 * 60 * 60 * 1000

interface Opened {
  readonly store: Store
  readonly events: EventLog
  readonly approvals: Approvals
  readonly run: Run
}

/** Questions of one open run. */
async function open(options: RunOptions = {}, store = createMemoryStore()): Promise<Opened> {
  const clock = { now: Date.now }
  const events = createEventLog({ store, bell: createBell(), clock, log: quiet, doubtMs: 2000 })
  const newId = () => fresh().run
  const approvals = createApprovals({ store, events, clock, log: quiet, newId })
  const { id, folder } = fresh()
  const begun = await store.beginRun(newRun({ name: id, folder, options }))
  if (begun.status !== 'begun') throw new Error(begun.status)
  return { store, events, approvals, run: begun.run }
}

/** Puts a question; resolves when it is stored, or answered at once. */
async function ask({ events, approvals, run }: Opened, more: Partial<PermissionRequest> = {}, signal?: AbortSignal) {
  const answers: PermissionDecision[] = []
  await approvals.ask({
    run,
    request: {
      kind: 'tool',
      isRememberable: true,
      tool: 'Bash',
      input: { command: 'touch a', description: 'Makes a' },
      suggestions: [],
      blockedPath: undefined,
      toolUseId: 'toolu_1',
      ...more,
    },
    signal: signal ?? new AbortController().signal,
    answer: (decision) => answers.push(decision),
    tell: async (payload, asked) => void (await events.append(run, [JSON.stringify(payload)], [asked])),
  })
  return answers
}

const pendingIn = async ({ store }: Opened) =>
  (await store.approvals({ isPending: true, limit: 10 })).map(({ id }) => id)

function holdTime(): void {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
}

test('what the agent no longer wants to know is not asked', async () => {
  const opened = await open()
  expect(await ask(opened, {}, AbortSignal.abort())).toEqual([])
  expect(await pendingIn(opened)).toEqual([])
})

test('the very same call is the one that was decided before a restart, in whatever order its fields come', async () => {
  const opened = await open()
  await ask(opened)
  const [id] = await pendingIn(opened)
  if (id === undefined) throw new Error('nothing was asked')
  await opened.approvals.answer(id, { decision: { behavior: 'allow' }, remember: 'none', by: 'a phone' })
  await opened.store.carryApprovals(opened.run.id, ['toolu_1'])
  const input = { description: 'Makes a', command: 'touch a' }
  expect(await ask(opened, { input: { ...input, command: 'touch b' } })).toEqual([])
  expect(await ask(opened, { input })).toEqual([{ behavior: 'allow' }])
  // Once.
  expect(await ask(opened, { input })).toEqual([])
})

test('a question that nobody has answered before a restart is no answer to the same question after it', async () => {
  const opened = await open()
  await ask(opened)
  await opened.store.carryApprovals(opened.run.id, [])
  expect(await ask(opened)).toEqual([])
  expect(await pendingIn(opened)).toHaveLength(2)
})

test('a run that the agent has begun leaves open what a run before it was cut off with', async () => {
  const opened = await open()
  await ask(opened)
  await opened.store.carryApprovals(opened.run.id, [])
  const [carried] = await pendingIn(opened)
  const other = { ...opened.run, id: fresh().run }
  await opened.approvals.endRun(other)
  expect(await pendingIn(opened)).toEqual([carried])
})

test('what takes the place of a cut-off run withdraws what is open, and forgets what was answered', async () => {
  const opened = await open()
  await ask(opened)
  await ask(opened, { input: { command: 'touch b' }, toolUseId: 'toolu_2' })
  const [answered, left] = await pendingIn(opened)
  if (answered === undefined || left === undefined) throw new Error('nothing was asked')
  await opened.approvals.answer(answered, { decision: { behavior: 'allow' }, remember: 'none', by: 'a phone' })
  await opened.store.carryApprovals(opened.run.id, ['toolu_1'])
  await opened.approvals.dropCarried(opened.run.conversation, 'A new prompt came.')
  expect(await opened.store.approval(answered)).toMatchObject({ state: 'allowed', carried: false })
  expect(await opened.store.approval(left)).toMatchObject({
    state: 'cancelled',
    settlement: { by: 'service', decision: { message: 'A new prompt came.' } },
  })
  expect(await ask(opened)).toEqual([])
})

test('after a start, what was cut off has its deadlines again, and what was answered needs none', async () => {
  holdTime()
  const opened = await open({ deadline: { seconds: 10, outcome: 'deny' } })
  await ask(opened)
  await ask(opened, { input: { command: 'touch b' }, toolUseId: 'toolu_2' })
  const [answered, left] = await pendingIn(opened)
  if (answered === undefined || left === undefined) throw new Error('nothing was asked')
  await opened.approvals.answer(answered, { decision: { behavior: 'allow' }, remember: 'none', by: 'a phone' })
  opened.approvals.suspend()
  await opened.store.carryApprovals(opened.run.id, ['toolu_1'])
  const { approvals, store, run } = await open({}, opened.store)
  const decided: string[] = []
  approvals.onDecided = (conversation) => decided.push(conversation)
  expect(await approvals.resume()).toEqual(new Set([opened.run.conversation]))
  await vi.advanceTimersByTimeAsync(11_000)
  expect(await store.approval(left)).toMatchObject({ state: 'expired', settlement: { by: 'deadline' } })
  expect(await store.approval(answered)).toMatchObject({ state: 'allowed', settlement: { by: 'a phone' } })
  expect(decided).toEqual([opened.run.conversation])
  expect(await approvals.decisions(run.conversation)).toEqual([])
})

test('a deadline that is further away than a timer can reach is kept all the same', async () => {
  holdTime()
  const opened = await open({ deadline: { seconds: (40 * DAY_MS) / 1000, outcome: 'deny' } })
  const answers = await ask(opened)
  await vi.advanceTimersByTimeAsync(39 * DAY_MS)
  expect(answers).toEqual([])
  await vi.advanceTimersByTimeAsync(DAY_MS)
  expect(answers).toEqual([{ behavior: 'deny', message: 'Permission request timed out.' }])
})

test('what expires, or is no longer wanted, while the service stops is left to the next start', async () => {
  holdTime()
  const opened = await open({ deadline: { seconds: 10, outcome: 'deny' } })
  const agent = new AbortController()
  await ask(opened, {}, agent.signal)
  await ask(opened, { input: { command: 'touch b' } })
  const asked = await pendingIn(opened)
  opened.approvals.suspend()
  agent.abort()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await pendingIn(opened)).toEqual(asked)
})

test('a deadline that comes while the disk is full is kept as soon as it can be', async () => {
  holdTime()
  const memory = createMemoryStore()
  let isFull = true
  const store: Store = {
    ...memory,
    settleApproval: (settle) =>
      isFull ? Promise.reject(new Error('database or disk is full')) : memory.settleApproval(settle),
  }
  const opened = await open({ deadline: { seconds: 10, outcome: 'interrupt' } }, store)
  const answers = await ask(opened)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(answers).toEqual([])
  isFull = false
  await vi.advanceTimersByTimeAsync(2000)
  expect(answers).toEqual([{ behavior: 'deny', message: 'Permission request timed out.', interrupt: true }])
  expect(await pendingIn(opened)).toEqual([])
})

test('who answers second is told who was sooner, and what they said', async () => {
  const opened = await open()
  await ask(opened)
  const [id] = await pendingIn(opened)
  if (id === undefined) throw new Error('nothing was asked')
  const answer = (by: string, behavior: 'allow' | 'deny') =>
    opened.approvals.answer(id, {
      decision: behavior === 'allow' ? { behavior } : { behavior, message: 'No.' },
      remember: 'none',
      by,
    })
  await answer('a phone', 'allow')
  await expect(answer('a desk', 'deny')).rejects.toMatchObject({
    code: 'already_resolved',
    message: expect.stringMatching(/^This was settled already: allowed by a phone at \d{4}-.*Z\.$/),
    details: { state: 'allowed', by: 'a phone' },
  })
})

test('an answer to what is not there, or is deleted while it is answered, says that it is unknown', async () => {
  const nobody = await open()
  const answer = { decision: { behavior: 'allow' }, remember: 'none', by: 'a phone' } as const
  const unknown = { code: 'approval_unknown' }
  await expect(nobody.approvals.answer(fresh().run as string as ApprovalId, answer)).rejects.toMatchObject(unknown)

  const memory = createMemoryStore()
  const state = { isGone: false }
  const opened = await open(
    {},
    {
      ...memory,
      approval: async (id) => (state.isGone ? undefined : memory.approval(id)),
      async settleApproval() {
        state.isGone = true
        return { status: 'unknown' }
      },
    },
  )
  await ask(opened)
  const [id] = await pendingIn(opened)
  if (id === undefined) throw new Error('nothing was asked')
  await expect(opened.approvals.answer(id, answer)).rejects.toMatchObject(unknown)
})

test('an agent that takes back a question of a conversation that is gone is not left waiting', async () => {
  const memory = createMemoryStore()
  const opened = await open({}, { ...memory, approval: async () => undefined })
  const agent = new AbortController()
  const answers = await ask(opened, {}, agent.signal)
  agent.abort()
  await expect.poll(() => answers).toEqual([{ behavior: 'deny', message: 'The question was withdrawn.' }])
})

test('a deadline that cannot be kept because the service stops is not tried again', async () => {
  holdTime()
  const memory = createMemoryStore()
  let tries = 0
  const opened: Opened = await open(
    { deadline: { seconds: 10, outcome: 'deny' } },
    {
      ...memory,
      settleApproval() {
        tries++
        opened.approvals.suspend()
        throw new Error('the store is closed')
      },
    },
  )
  await ask(opened)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(tries).toBe(1)
})
