import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { expect, test } from 'vitest'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Log } from '../../src/core/ports/outside.ts'
import type { Run } from '../../src/core/ports/run.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { recover } from '../../src/core/runs/recover.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

/** A start of the service, seen from what it has to put in order. */
function begin(store: Store, complaints: string[] = []) {
  const log: Log = { info() {}, warn() {}, error: (message) => complaints.push(message) }
  const clock = { now: () => 1 }
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const host = { launch() {}, interruptedBecause() {} } as unknown as Parameters<typeof recover>[0]['host']
  const queue = { async recover() {} } as unknown as Parameters<typeof recover>[0]['queue']
  const deps = { store, events, clock, log, host, queue, orphans: [], endProcesses: async () => {} }
  return (left: readonly Run[], stopping = new AbortController().signal) => recover({ ...deps, left, stopping })
}

async function workingRun(store: Store, name: string): Promise<Run> {
  const id = Buffer.from(name).toString('hex').padEnd(32, '0') as RunId
  const folder = `/${name}` as Folder
  const line = '{"type":"user"}'
  const begun = await store.beginRun({
    id,
    name: name as ConversationId,
    folder,
    cwd: folder,
    begunBy: 'client',
    text: 'Work',
    options: {},
    line,
    at: 1,
  })
  if (begun.status !== 'begun') throw new Error(begun.status)
  await store.claimRun(id)
  return { ...begun.run, state: 'running' }
}

test('a run that began after the start is not taken for one that a crash has cut off', async () => {
  const store = createMemoryStore()
  const left = [await workingRun(store, 'left')]
  const recovering = begin(store)
  const alive = await workingRun(store, 'alive')
  await recovering(left)
  expect((await store.openRuns()).map(({ id }) => id)).toEqual([alive.id])
})

test('a run that cannot be closed at the start, since the disk is full, is closed as soon as it can be', async () => {
  const memory = createMemoryStore()
  const run = await workingRun(memory, 'left')
  let isFull = true
  const store: Store = {
    ...memory,
    endRun: async (...given) => {
      if (!isFull) return memory.endRun(...given)
      isFull = false
      throw new Error('database or disk is full')
    },
  }
  const complaints: string[] = []
  await begin(store, complaints)([run])
  expect(complaints).toHaveLength(1)
  expect(await memory.openRuns()).toEqual([])
})

test('a stop does not wait for what cannot be put in order', async () => {
  const memory = createMemoryStore()
  const run = await workingRun(memory, 'left')
  const stop = new AbortController()
  const store: Store = {
    ...memory,
    endRun: async () => {
      stop.abort()
      throw new Error('database or disk is full')
    },
  }
  await begin(store)([run], stop.signal)
  expect(await memory.openRuns()).toHaveLength(1)
})

test('what a cut-off run had under way is named by its end, and what was done is not', async () => {
  const store = createMemoryStore()
  const run = await workingRun(store, 'calls')
  const call = (id: string, name?: string) => ({ type: 'tool_use', id, name })
  const lines = [
    {
      type: 'assistant',
      message: { content: [call('1', 'Read'), call('2', 'Bash'), { type: 'text', text: 'tool_use' }] },
    },
    { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: '1' }] } },
    // Odd ones: a call without its name, words that only look like a call, results without theirs.
    { type: 'assistant', message: { content: [call('3')] } },
    { type: 'user', message: { content: 'tool_use' } },
    { type: 'user', message: { content: [{ type: 'tool_result' }, { type: 'tool_use' }] } },
  ]
  await store.append(
    run.id,
    lines.map((line) => JSON.stringify(line)),
    1,
  )
  await begin(store)([run])
  const { lines: last } = await store.page(run.conversation, 6, 10_000)
  expect(JSON.parse(Buffer.from(last).toString())).toMatchObject({
    subtype: 'service_stopped',
    result: 'The service stopped while this run was working. Cut off in the middle of: Bash, .',
    open_tool_calls: [
      { id: '2', name: 'Bash' },
      { id: '3', name: '' },
    ],
  })
})

test('a run that somebody had stopped before the crash ends as they were told', async () => {
  const store = createMemoryStore()
  const { id, conversation } = await workingRun(store, 'stopped')
  const run = await store.interruptRun(id, 'Interrupted by user.')
  if (run === undefined) throw new Error('it was not stopped')
  await begin(store)([run])
  const { lines } = await store.page(conversation, 1, 10_000)
  expect(JSON.parse(Buffer.from(lines).toString())).toMatchObject({
    subtype: 'interrupted',
    result: 'Interrupted by user.',
  })
})
