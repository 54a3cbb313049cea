import { expect, onTestFinished, test, vi } from 'vitest'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { Approvals } from '../../src/core/approvals/approvals.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Approval, Settlement } from '../../src/core/ports/approval.ts'
import type { Run, RunOptions } from '../../src/core/ports/run.ts'
import { type Budget, createBudget } from '../../src/core/budget.ts'
import { createContinuation } from '../../src/core/runs/continuation.ts'
import type { Host } from '../../src/core/runs/host.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, newRun } from '../contract/samples.ts'

const quiet = { info() {}, warn() {}, error() {} }

/** A conversation whose run was cut off, and the moment in which the last of its questions is settled. */
async function open(
  settled: readonly Pick<Approval, 'state' | 'settlement'>[],
  options: RunOptions = {},
  budget: Partial<Budget> = {},
) {
  const store = createMemoryStore()
  const clock = { now: () => 1 }
  const events = createEventLog({ store, bell: createBell(), clock, log: quiet, doubtMs: 2000 })
  const { id, folder } = fresh()
  const cutOff = newRun({ name: id, folder, options })
  await store.beginRun(cutOff)
  await store.endRun(cutOff.id, ['{"type":"result"}'], 1)
  const decided = settled.map((each, n) => ({
    ...each,
    id: `${n}`,
    run: cutOff.id,
    request: { tool: 'Bash', input: { command: `${n}` } },
  }))
  const launched: Run[] = []
  let free: (folder: Folder) => void = () => {}
  const host = {
    mayAcceptRuns: true,
    launch: (run: Run) => launched.push(run),
    onFree: (it: typeof free) => (free = it),
  }
  const approvals = { decisions: async () => decided, resume: async () => new Set([id]) }
  const continuation = createContinuation({
    budget: { ...createBudget({ store, clock, runUsd: undefined, dayUsd: undefined, runTurns: undefined }), ...budget },
    store,
    events,
    clock,
    log: quiet,
    newRunId: () => fresh().run,
    host: host as unknown as Host,
    approvals: approvals as unknown as Approvals,
  })
  return {
    continuation,
    store,
    launched,
    folder,
    conversation: id satisfies ConversationId,
    isFree: () => free(folder),
  }
}

const by = (decision: Settlement['decision']): Settlement => ({ decision, by: 'a phone', at: 1 })

test('the agent is told what was decided of each call, by whomever or whatever', async () => {
  const { continuation, launched } = await open([
    { state: 'allowed', settlement: by({ behavior: 'allow' }) },
    { state: 'allowed', settlement: by({ behavior: 'allow', updatedInput: { command: 'better' } }) },
    { state: 'denied', settlement: by({ behavior: 'deny', message: 'Not that.' }) },
    { state: 'expired', settlement: by({ behavior: 'deny', message: 'Permission request timed out.' }) },
    { state: 'cancelled', settlement: undefined },
  ])
  await continuation.resume()
  expect(launched[0]?.text.split('\n').slice(1, -1)).toEqual([
    '1. Bash {"command":"0"}: allowed.',
    '2. Bash {"command":"1"}: allowed. With this input: {"command":"better"}',
    '3. Bash {"command":"2"}: denied. Not that.',
    '4. Bash {"command":"3"}: not allowed. Permission request timed out.',
    '5. Bash {"command":"4"}: not allowed.',
  ])
})

test.each([
  [
    { permissionMode: 'acceptEdits', model: 'm' },
    { permissionMode: 'acceptEdits', model: 'm' },
  ],
  [{ permissionMode: 'bypassPermissions', model: 'm' }, { model: 'm' }],
  [{ permissionMode: 'auto' }, {}],
  [{ model: 'm' }, { model: 'm' }],
] satisfies [RunOptions, RunOptions][])('a run with %j goes on with %j', async (before, after) => {
  const { continuation, launched } = await open([{ state: 'allowed', settlement: by({ behavior: 'allow' }) }], before)
  await continuation.resume()
  expect(launched[0]?.options).toEqual(after)
})

test('where the folder is busy, the run goes on as soon as it is free', async () => {
  const opened = await open([{ state: 'allowed', settlement: by({ behavior: 'allow' }) }])
  const { continuation, store, folder, launched, isFree } = opened
  const other = newRun({ name: fresh().id, folder })
  await store.beginRun(other)
  await continuation.resume()
  expect(launched).toEqual([])
  await store.endRun(other.id, ['{"type":"result"}'], 1)
  isFree()
  await expect.poll(() => launched).toMatchObject([{ conversation: opened.conversation, begunBy: 'agent' }])
})

test('where the budget of the day is spent, the run goes on when there is another', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let waitMs = 3_600_000
  const allowed = [{ state: 'allowed', settlement: by({ behavior: 'allow' }) }] as const
  const { continuation, launched } = await open(allowed, {}, { msUntilFree: async () => waitMs })
  await continuation.resume()
  await vi.advanceTimersByTimeAsync(3_599_000)
  expect(launched).toEqual([])
  waitMs = 0
  await vi.advanceTimersByTimeAsync(1000)
  expect(launched).toMatchObject([{ begunBy: 'agent' }])
})
