import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog, type EventLog } from '../../src/core/log/log.ts'
import { Reader, type Watch } from '../../src/core/log/reader.ts'
import type { Bell } from '../../src/core/ports/outside.ts'
import type { Page } from '../../src/core/ports/event.ts'
import type { Run } from '../../src/core/ports/run.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

const conversation = 'c' as ConversationId
const run = 'r' as RunId
const folder = '/f' as Folder
const quiet = { info() {}, warn() {}, error() {} }
const event = (n: number) => JSON.stringify(`event ${n}`)
const ENDING = { outcome: 'success', usage: [], facts: {} }
const truth = (after: number, last: number) =>
  Array.from({ length: Math.max(0, last - after) }, (_, n) => `${after + n + 1} ${event(after + n + 1)}`)

interface Opened {
  readonly events: EventLog
  readonly store: Store
  readonly run: Run
}

/** A log with one conversation whose run is open: its first event is number 1. */
async function openLog(bell: Bell = createBell(), doubtMs = 5): Promise<Opened> {
  const store = createMemoryStore()
  const events = createEventLog({ store, bell, clock: { now: () => 1 }, log: quiet, doubtMs })
  const begun = await events.begin(newRun(run, 1))
  if (begun.status !== 'begun') throw new Error('the run did not begin')
  return { events, store, run: begun.run }
}

function newRun(id: RunId, n: number) {
  const name = conversation
  return { id, name, folder, cwd: folder, begunBy: 'client' as const, text: 'x', options: {}, line: event(n), at: 1 }
}

/** Reads to the end. `capacity` pages, and the reader is full until the next turn of the loop. */
function readAll(events: EventLog, watch: Watch, capacity = Infinity): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const read: string[] = []
    let room = capacity
    const reader = new Reader(events, watch, {
      take(page) {
        read.push(...numbered(page))
        if (--room > 0) return true
        setImmediate(() => {
          room = capacity
          reader.resume()
        })
        return false
      },
      end: () => resolve(read),
      fail: reject,
    })
  })
}

function numbered(page: Page): string[] {
  const lines = Buffer.from(page.lines).toString().split('\n').slice(0, -1)
  expect(lines).toHaveLength(page.count)
  return lines.map((line, n) => `${page.first + n} ${line}`)
}

/** Batches of events, before each of them a moment in which readers may run, and which of the rings are heard. */
const script = fc.record({
  batches: fc.array(fc.record({ size: fc.integer({ min: 1, max: 5 }), moments: fc.nat(3), heard: fc.boolean() }), {
    minLength: 1,
    maxLength: 20,
  }),
  losesAll: fc.boolean(),
  readers: fc.array(fc.record({ after: fc.nat(100), capacity: fc.constantFrom(1, 2, Infinity), late: fc.boolean() }), {
    minLength: 1,
    maxLength: 5,
  }),
})

it('whatever rings are lost, every reader gets every event from its position on, once, and ends with the run', async () => {
  await fc.assert(
    fc.asyncProperty(script, async ({ batches, losesAll, readers }) => {
      const bell = createBell()
      let heard = true
      const unreliable: Bell = { ...bell, ring: (about) => heard && !losesAll && bell.ring(about) }
      const opened = await openLog(unreliable, 1)
      const { events } = opened
      const total = 2 + batches.reduce((sum, { size }) => sum + size, 0)
      const open = ({ after, capacity }: (typeof readers)[number]) =>
        readAll(events, { conversation, after: after % (total + 1), until: { run } }, capacity)
      const early = readers.filter(({ late }) => !late)
      const reading = early.map(open)
      let next = 2
      for (const { size, moments, heard: isHeard } of batches) {
        for (let n = 0; n < moments; n++) await new Promise((resolve) => setImmediate(resolve))
        heard = isHeard
        await events.append(
          opened.run,
          Array.from({ length: size }, () => event(next++)),
        )
      }
      await events.end(opened.run, [event(next)], ENDING)
      const late = readers.filter((reader) => reader.late)
      const all = await Promise.all([...reading, ...late.map(open)])
      expect(all).toEqual([...early, ...late].map(({ after }) => truth(after % (total + 1), total)))
    }),
  )
})

it('a reader of one run does not get the events of the next, however late it reads', async () => {
  const opened = await openLog()
  const { events } = opened
  const early = readAll(events, { conversation, after: 0, until: { run } }, 1)
  await events.append(opened.run, [event(2)])
  await events.end(opened.run, [event(3)], ENDING)
  await events.begin(newRun('next' as RunId, 4))
  expect(await early).toEqual(truth(0, 3))
  expect(await readAll(events, { conversation, after: 1, until: { run } })).toEqual(truth(1, 3))
})

it('a reader that is to end with a certain event ends there', async () => {
  const opened = await openLog()
  await opened.events.append(opened.run, [event(2), event(3), event(4)])
  expect(await readAll(opened.events, { conversation, after: 1, until: { last: 3 } })).toEqual(truth(1, 3))
  expect(await readAll(opened.events, { conversation, after: 3, until: { last: 3 } })).toEqual([])
})

it('finds the end of a run that another process has stored', async () => {
  const opened = await openLog()
  const reading = readAll(opened.events, { conversation, after: 0, until: { run } })
  await opened.store.append(run, [event(2)], 1)
  await opened.store.endRun(run, [event(3)], 1)
  expect(await reading).toEqual(truth(0, 3))
})

it('readers at the same place get the very same page', async () => {
  const opened = await openLog()
  const pages: Page[][] = [[], []]
  const readers = pages.map(
    (got) =>
      new Reader(
        opened.events,
        { conversation, after: 1, until: { run } },
        { take: (page) => got.push(page) > 0, end() {}, fail() {} },
      ),
  )
  await new Promise((resolve) => setImmediate(resolve))
  await opened.events.append(opened.run, [event(2), event(3)])
  expect(pages[0]).toHaveLength(1)
  expect(pages[0]?.[0]).toBe(pages[1]?.[0])
  for (const reader of readers) reader.close()
})

it('those who come back one after the other are served by one look at the store', async () => {
  const opened = await openLog()
  await opened.events.append(opened.run, [event(2), event(3), event(4)])
  let looks = 0
  const events = createEventLog({
    store: { ...opened.store, page: (...asked) => (looks++, opened.store.page(...asked)) },
    bell: createBell(),
    clock: { now: () => 1 },
    log: quiet,
    doubtMs: 60_000,
  })
  const got: Page[] = []
  const readers: Reader[] = []
  for (const after of [1, 1, 2, 2, 3, 1]) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const take = (page: Page) => {
      resolve()
      return got.push(page) > 0
    }
    readers.push(new Reader(events, { conversation, after, until: { run } }, { take, end() {}, fail() {} }))
    await promise
  }
  expect(got.map(({ first, count }) => [first, count])).toEqual([
    [2, 3],
    [2, 3],
    [3, 2],
    [3, 2],
    [4, 1],
    [2, 3],
  ])
  expect(looks).toBe(1)
  for (const reader of readers) reader.close()
})

it('a log that cannot be read ends the reader with the cause', async () => {
  const opened = await openLog()
  const broken = { ...opened.events, read: () => Promise.reject(new Error('The disk is gone.')) }
  await expect(readAll(broken, { conversation, after: 0, until: { run } })).rejects.toThrow('The disk is gone.')
})

it('a reader that was closed takes nothing more', async () => {
  const opened = await openLog()
  const taken: Page[] = []
  const sink = { take: (page: Page) => taken.push(page) > 0, end() {}, fail() {} }
  const reader = new Reader(opened.events, { conversation, after: 1, until: { run } }, sink)
  await new Promise((resolve) => setImmediate(resolve))
  reader.close()
  await opened.events.append(opened.run, [event(2)])
  expect(taken).toEqual([])
})

it('a reader that is told to end delivers what there is, also what was not rung for, and no more', async () => {
  const bell = createBell()
  const opened = await openLog({ ...bell, ring() {} }, 60_000)
  const got: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const sink = { take: (page: Page) => got.push(...numbered(page)) > 0, end: resolve, fail() {} }
  const reader = new Reader(opened.events, { conversation, after: 0, until: { run } }, sink)
  await new Promise((next) => setImmediate(next))
  await opened.events.append(opened.run, [event(2)])
  reader.end()
  await promise
  expect(got).toEqual(truth(0, 2))
})
