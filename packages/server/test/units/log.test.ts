import { expect, test } from 'vitest'
import type { RunId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog, type EventLog } from '../../src/core/log/log.ts'
import { storedPages } from '../../src/core/log/pages.ts'
import { Reader, type Watch } from '../../src/core/log/reader.ts'
import type { Bell } from '../../src/core/ports/outside.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, linesOf, newPrompt, newRun } from '../contract/samples.ts'

const ENDING = { outcome: 'success', usage: [], facts: {} }
const nobody: Disposable = { [Symbol.dispose]() {} }
const quiet = { info() {}, warn() {}, error() {} }

function openLog(store: Store = createMemoryStore(), bell: Bell = createBell(), doubtMs = 5) {
  return { store, events: createEventLog({ store, bell, clock: { now: () => 1 }, log: quiet, doubtMs }) }
}

async function begun(events: EventLog, of = fresh()) {
  const outcome = await events.begin(newRun({ name: of.id, folder: of.folder }))
  if (outcome.status !== 'begun') throw new Error(outcome.status)
  return outcome.run
}

function readAll(events: EventLog, watch: Watch): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  const read: string[] = []
  const take = (page: Parameters<typeof linesOf>[0]) => read.push(...linesOf(page)) > 0
  const reader = new Reader(events, watch, { take, end: () => resolve(read), fail: reject })
  return promise.finally(() => reader.close())
}

test('nobody is told of what was not stored', async () => {
  let rings = 0
  const { events } = openLog(undefined, { ...createBell(), ring: () => rings++ })
  const run = await begun(events)
  const { conversation: name, folder } = run
  expect(await events.begin(newRun({ name, folder }))).toMatchObject({ status: 'busy' })
  await events.end(run, ['"end"'], ENDING)
  rings = 0
  expect(await events.append(run, ['"late"'])).toEqual({ status: 'closed' })
  expect(await events.end(run, ['"end"'], ENDING)).toEqual({ status: 'closed' })
  expect(await events.addPrompt(newPrompt({ name, folder: fresh().folder }))).toMatchObject({ status: 'elsewhere' })
  expect(await events.note(fresh().id, '"note"')).toBeUndefined()
  expect(rings).toBe(0)
})

test('the end of a run that is long forgotten is found in the store', async () => {
  const { events } = openLog()
  const first = await begun(events)
  await events.end(first, ['"end"'], ENDING)
  for (let n = 0; n < 10_000; n++) await events.end(await begun(events), ['"end"'], ENDING)
  expect(events.endOf(first.id)).toBeUndefined()
  const watch = { conversation: first.conversation, after: 0, until: { run: first.id } }
  expect(await readAll(events, watch)).toEqual(['{"n":1}', '"end"'])
})

test('whoever waits for a run that went with its conversation waits no longer', async () => {
  const { events, store } = openLog()
  const run = await begun(events)
  await events.end(run, ['"end"'], ENDING)
  await store.deleteConversation(run.conversation)
  const watch = { conversation: run.conversation, after: 0, until: { run: 'f'.repeat(32) as RunId } }
  expect(await readAll(events, watch)).toEqual([])
})

test('who waits for a prompt on its way into a run waits for the prompt, until the run has taken it', async () => {
  const { events, store } = openLog()
  const run = await begun(events)
  await store.claimRun(run.id)
  const { conversation: name, folder } = run
  const added = await events.addPrompt(newPrompt({ name, folder, into: run.id }))
  if (added.status !== 'added') throw new Error(added.status)
  const { id } = added.prompt
  expect(await events.lastOf(id)).toBeUndefined()
  await events.changePrompt({ id, input: 'taken', line: '"taken"', at: 1 })
  await events.end(run, ['"end"'], ENDING)
  expect(await events.lastOf(id)).toBe(4)
})

test('a conversation that goes while it is read does not keep others from being found', async () => {
  const { events, store } = openLog(undefined, { ring() {}, listen: () => nobody, listenAll: () => nobody })
  const gone = await begun(events)
  await events.end(gone, ['"end"'], ENDING)
  const left = await begun(events)
  const lost = new Reader(
    events,
    { conversation: gone.conversation, after: 0, until: 'never' },
    { take: () => true, end() {}, fail() {} },
  )
  const reading = readAll(events, { conversation: left.conversation, after: 0, until: { run: left.id } })
  await expect.poll(() => events.recent(left.conversation, 1)).toBe('level')
  await store.deleteConversation(gone.conversation)
  await events.end(left, ['"end"'], ENDING)
  expect(await reading).toEqual(['{"n":1}', '"end"'])
  lost.close()
})

test('what is stored and about to be told is not taken for lost: its readers are not sent to the store', async () => {
  const memory = createMemoryStore()
  const { promise: isLookedFor, resolve: lookedFor } = Promise.withResolvers<void>()
  let isUntold = false
  let pages = 0
  const store: Store = {
    ...memory,
    async append(...what) {
      const appended = await memory.append(...what)
      isUntold = true
      await isLookedFor
      return appended
    },
    async conversation(id) {
      if (isUntold) setImmediate(lookedFor)
      return memory.conversation(id)
    },
    page(...about) {
      pages++
      return memory.page(...about)
    },
  }
  const { events } = openLog(store)
  const run = await begun(events)
  const reading = readAll(events, { conversation: run.conversation, after: 0, until: { run: run.id } })
  await expect.poll(() => events.recent(run.conversation, 1)).toBe('level')
  const before = pages
  await events.append(run, ['"told"'])
  await events.end(run, ['"end"'], ENDING)
  expect(await reading).toEqual(['{"n":1}', '"told"', '"end"'])
  expect(pages).toBe(before)
})

test('a look at thousands of conversations for lost rings does not hold the loop in one piece', async () => {
  const memory = createMemoryStore()
  let all = 0
  let atOnce = 0
  let most = 0
  const store: Store = {
    ...memory,
    conversation(id) {
      all++
      most = Math.max(most, ++atOnce)
      setImmediate(() => (atOnce = 0))
      return memory.conversation(id)
    },
  }
  const { events } = openLog(store)
  const listeners = Array.from({ length: 1000 }, () => events.listen(fresh().id, () => {}))
  await expect.poll(() => all).toBeGreaterThan(1000)
  for (const listener of listeners) listener[Symbol.dispose]()
  expect(most).toBeLessThan(200)
})

test('a replay of a conversation that goes meanwhile breaks off', async () => {
  const { events, store } = openLog()
  const run = await begun(events)
  await events.append(run, ['x'.repeat(300_000), 'y'.repeat(300_000)])
  await events.end(run, ['"end"'], ENDING)
  const counts: number[] = []
  const replay = async () => {
    for await (const { count } of storedPages(store, run.conversation, 0, 4)) {
      counts.push(count)
      await store.deleteConversation(run.conversation)
    }
  }
  await expect(replay()).rejects.toMatchObject({ code: 'conversation_unknown' })
  expect(counts).toEqual([1])
})

test('a reader that is closed while it asks the store is given nothing', async () => {
  const memory = createMemoryStore()
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>()
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
  const store: Store = {
    ...memory,
    async page(...about) {
      asked()
      await mayAnswer
      return memory.page(...about)
    },
  }
  const { events } = openLog(store)
  const run = await begun(events)
  const heard: string[] = []
  const note = (what: string) => heard.push(what) > 0
  const reader = new Reader(
    events,
    { conversation: run.conversation, after: 0, until: 'never' },
    { take: () => note('page'), end: () => note('end'), fail: () => note('failure') },
  )
  await isAsked
  reader.close()
  answer()
  await new Promise((resolve) => setImmediate(resolve))
  expect(heard).toEqual([])
})

test('when what is at hand of all conversations becomes too much, it is let go, and read from the store', async () => {
  // Nothing but the amount may make it let go.
  const { events } = openLog(undefined, undefined, 60_000)
  const line = JSON.stringify('x'.repeat(1_000_000))
  const runs = await Promise.all(Array.from({ length: 36 }, () => begun(events)))
  const [first] = runs
  if (first === undefined) throw new Error('no run')
  // Readers have to be there for anything to be kept.
  using _ = new DisposableStack()
  for (const { conversation } of runs) _.use(events.listen(conversation, () => {}))
  await events.append(first, [line, line])
  expect(events.recent(first.conversation, 1)).toMatchObject({ first: 2, count: 2 })
  for (const run of runs.slice(1)) await events.append(run, [line, line])
  expect(events.recent(first.conversation, 1)).toBe('unknown')
  await events.end(first, ['"end"'], ENDING)
  const read = await readAll(events, { conversation: first.conversation, after: 0, until: { run: first.id } })
  expect(read.map(({ length }) => length)).toEqual([7, line.length, line.length, 5])
})
