import { realpathSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { AttachmentId, Folder } from '@claude-proxy/protocol/ids'
import type { Approvals } from '../../src/core/approvals/approvals.ts'
import { createAttachments } from '../../src/core/attachments/attachments.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Run } from '../../src/core/ports/run.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createCommands } from '../../src/core/runs/commands.ts'
import type { Host } from '../../src/core/runs/host.ts'
import type { Queue } from '../../src/core/runs/queue.ts'
import { createBudget } from '../../src/core/budget.ts'
import { createRuns, type StreamRequest } from '../../src/core/runs/runs.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { added, fresh, newPrompt, newRun } from '../contract/samples.ts'

/** What happens between a look at the store and the step that follows it. */

const log = { info() {}, warn() {}, error() {} }

/** A folder with an open run that an agent has. `meanwhile` is the store as it is by the time something is stored. */
async function open(meanwhile: (store: Store, run: Run) => Partial<Store>, hosts: Partial<Host> = {}) {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-runs-')))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const memory = createMemoryStore()
  const { id } = fresh()
  const begun = await memory.beginRun(newRun({ name: id, folder: cwd as Folder, cwd }))
  if (begun.status !== 'begun') throw new Error(begun.status)
  await memory.claimRun(begun.run.id)
  const store: Store = { ...memory, ...meanwhile(memory, begun.run) }
  const clock = { now: () => 1 }
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const host = {
    mayAcceptRuns: true,
    isSteerable: () => true,
    endSettling: async () => false,
    interrupt: async () => true,
    launch() {},
    ...hosts,
  }
  const queue = { serve: async () => {}, handOver: async () => {} }
  const deps = { store, events, clock, host: host as unknown as Host, queue: queue as unknown as Queue }
  const rules = { allowedRoots: [], trustedRoots: [] }
  const most = { maxCount: 1, maxBytes: 1, maxImageBytes: 1, maxTextBytes: 1, maxUnusedBytes: 1, unusedMs: 1 }
  const newId = () => fresh().run as string as AttachmentId
  const attachments = createAttachments({ store, files: createMemoryFiles(), clock, log, limits: most, newId })
  const runs = createRuns({
    budget: createBudget({ store, clock, runUsd: undefined, dayUsd: undefined, runTurns: undefined }),
    ...deps,
    rules,
    attachments,
    newRunId: () => fresh().run,
    check() {},
  })
  const commands = createCommands({ ...deps, approvals: {} as Approvals })
  const request = (more: Partial<StreamRequest>): StreamRequest => ({
    name: id,
    cwd,
    group: undefined,
    text: 'Now',
    options: {},
    lastEventId: undefined,
    whenBusy: 'queue',
    key: undefined,
    ...more,
  })
  return { memory, runs, commands, request, id, folder: cwd as Folder, run: begun.run }
}

test('a prompt that is to steer a run which is being stopped meanwhile waits for its turn', async () => {
  const { runs, request, memory, folder } = await open((store, run) => ({
    async addPrompt(prompt) {
      await store.interruptRun(run.id, 'Interrupted by user.')
      return store.addPrompt(prompt)
    },
  }))
  expect(await runs.stream(request({ whenBusy: 'steer' }))).toMatchObject({ outcome: 'queued' })
  expect(await memory.queuedPrompts(folder)).toMatchObject([{ text: 'Now', state: 'queued' }])
})

test('a prompt whose name has come to belong to another folder meanwhile is refused', async () => {
  const elsewhere = '/elsewhere' as Folder
  const { runs, request } = await open(() => ({ addPrompt: async () => ({ status: 'elsewhere', folder: elsewhere }) }))
  await expect(runs.stream(request({}))).rejects.toMatchObject({
    code: 'conversation_cwd_mismatch',
    details: { expected_cwd: elsewhere },
  })
  const late = await open(() => ({ beginRun: async () => ({ status: 'elsewhere', folder: elsewhere }) }))
  await expect(late.runs.stream(late.request({}))).rejects.toMatchObject({ code: 'conversation_cwd_mismatch' })
})

test('of two that come with one key at once, the second is the first again', async () => {
  const { runs, request, memory, folder } = await open(() => ({ requestOf: async () => undefined }))
  const asked = request({ key: 'k' })
  const first = await runs.stream(asked)
  const second = await runs.stream(asked)
  expect(second).toMatchObject({ outcome: 'repeated', watch: { until: first.watch.until } })
  expect(await memory.queuedPrompts(folder)).toHaveLength(1)
})

test('a prompt that is promoted to a run which is being stopped meanwhile goes on waiting', async () => {
  const { commands, memory, id, folder } = await open((store, run) => ({
    async changePrompt(change) {
      await store.interruptRun(run.id, 'Interrupted by user.')
      return store.changePrompt(change)
    },
  }))
  const waiting = await added(memory, newPrompt({ name: id, folder }))
  expect(await commands.steer(waiting.id, {})).toEqual(waiting)
  expect(await memory.queuedPrompts(folder)).toEqual([waiting])
})

test('a prompt that is promoted, edited or cancelled, but was taken back or deleted meanwhile, says what it is now', async () => {
  const taken = await open((store) => ({
    async changePrompt(change) {
      await store.changePrompt({ id: change.id, input: 'cancel', line: '{}', at: 1 })
      return store.changePrompt(change)
    },
  }))
  const one = await added(taken.memory, newPrompt({ name: taken.id, folder: taken.folder }))
  const isCancelled = { code: 'prompt_not_queued', details: { state: 'cancelled' } }
  await expect(taken.commands.steer(one.id, {})).rejects.toMatchObject(isCancelled)
  const gone = await open(() => ({ changePrompt: async () => ({ status: 'unknown' }) }))
  const other = await added(gone.memory, newPrompt({ name: gone.id, folder: gone.folder }))
  for (const late of [() => gone.commands.steer(other.id, {}), () => gone.commands.cancel(other.id)])
    await expect(late()).rejects.toMatchObject({ code: 'prompt_unknown' })
})

test('while the service stops no run is begun, and the prompt is not kept either', async () => {
  const { runs, request, memory, folder } = await open(() => ({}), { mayAcceptRuns: false })
  await expect(runs.stream(request({}))).rejects.toMatchObject({ code: 'shutting_down' })
  expect(await memory.queuedPrompts(folder)).toEqual([])
})

test('a run that begins to wait for its background tasks while a prompt comes makes way for it', async () => {
  const state: { end?: () => Promise<unknown>; asked: number } = { asked: 0 }
  const { runs, request, memory, run } = await open(
    (store, before) => {
      state.end = () => store.endRun(before.id, ['{"type":"result"}'], 1)
      return {}
    },
    {
      async endSettling() {
        if (++state.asked < 2) return false
        await state.end?.()
        return true
      },
    },
  )
  expect(await runs.stream(request({ whenBusy: 'reject' }))).toMatchObject({ outcome: 'begun' })
  const [begun] = await memory.openRuns()
  expect(begun).toMatchObject({ text: 'Now' })
  expect(begun?.id).not.toBe(run.id)
})

test('of two that come with one key for a queue at once, the second is the first again', async () => {
  const { runs, request, memory, folder } = await open((_, run) => ({
    requestOf: async () => undefined,
    beginRun: async () => ({ status: 'busy', run }),
  }))
  const first = await runs.stream(request({ key: 'k' }))
  expect(await runs.stream(request({ key: 'k' }))).toMatchObject({ outcome: 'repeated', watch: first.watch })
  await expect(runs.stream(request({ key: 'k', text: 'Else' }))).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  })
  expect(await memory.queuedPrompts(folder)).toHaveLength(1)
})

test('a key whose run was deleted with its conversation says so, and begins nothing in its place', async () => {
  const { runs, request, memory, run } = await open(() => ({
    requestOf: async () => ({ status: 'repeated', run: fresh().run }),
  }))
  await expect(runs.stream(request({ key: 'k' }))).rejects.toMatchObject({
    code: 'conversation_unknown',
    message: 'What this key began was deleted.',
  })
  expect(await memory.openRuns()).toEqual([expect.objectContaining({ id: run.id })])
})
