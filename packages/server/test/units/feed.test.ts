import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { FeedPlace } from '@claude-proxy/protocol/feed'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import { createFeed } from '../../src/core/log/feed.ts'
import { FeedReader } from '../../src/core/log/feed-reader.ts'
import { createEventLog, type EventLog } from '../../src/core/log/log.ts'
import type { FeedPage } from '../../src/core/ports/feed.ts'
import type { Bell } from '../../src/core/ports/outside.ts'
import type { Run } from '../../src/core/ports/run.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

const quiet = { info() {}, warn() {}, error() {} }
const turn = () => new Promise((resolve) => setImmediate(resolve))

interface Opened {
  readonly store: ReturnType<typeof createMemoryStore>
  readonly events: EventLog
  readonly feed: ReturnType<typeof createFeed>
  readonly runs: readonly Run[]
  /** How often the store was looked at. */
  readonly looks: { count: number }
}

/** Some conversations, each with a run that has one event. */
async function open({ bell = createBell(), doubtMs = 5, count = 3 } = {}): Promise<Opened> {
  const store = createMemoryStore()
  const looks = { count: 0 }
  const counting = {
    ...store,
    feed: (...asked: Parameters<typeof store.feed>) => (looks.count++, store.feed(...asked)),
  }
  const events = createEventLog({ store, bell, clock: { now: () => 1 }, log: quiet, doubtMs })
  const feed = createFeed({ store: counting, bell, log: quiet, doubtMs })
  const runs: Run[] = []
  for (let n = 0; n < count; n++) {
    const facts = { folder: `/${n}` as Folder, cwd: `/${n}`, begunBy: 'client' as const, text: 'x', options: {}, at: 1 }
    const begun = await events.begin({
      id: `r${n}` as RunId,
      name: `c${n}` as ConversationId,
      line: line(n, 1),
      ...facts,
    })
    if (begun.status === 'begun') runs.push(begun.run)
  }
  return { store, events, feed, runs, looks }
}

function line(conversation: number, number: number, type = 'x'): string {
  return JSON.stringify({ type, of: `c${conversation}`, number })
}

interface Reading {
  readonly got: string[]
  readonly pages: FeedPage[]
  readonly reader: FeedReader
  readonly ended: Promise<void>
}

interface How {
  readonly after?: FeedPlace
  readonly only?: readonly string[] | undefined
  readonly types?: readonly string[] | undefined
  /** So many pages, and the reader is full until the next turn of the loop. */
  readonly capacity?: number
}

function read(feed: Opened['feed'], { after, only, types, capacity = Infinity }: How = {}): Reading {
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>()
  const got: string[] = []
  const pages: FeedPage[] = []
  let room = capacity
  const take = (page: FeedPage) => {
    expect(page.batches.length).toBeGreaterThan(0)
    pages.push(page)
    for (const { conversation, first, count, lines } of page.batches) {
      const each = Buffer.from(lines).toString().split('\n').slice(0, -1)
      expect(each).toHaveLength(count)
      for (const [n, text] of each.entries()) {
        expect(JSON.parse(text)).toMatchObject({ of: conversation, number: first + n })
        got.push(text)
      }
    }
    if (--room > 0) return true
    setImmediate(() => {
      room = capacity
      reader.resume()
    })
    return false
  }
  const choice = { only: only && new Set(only as ConversationId[]), types: types && new Set(types) }
  const reader = new FeedReader(feed, { after, ...choice }, { take, end, fail })
  return { got, pages, reader, ended }
}

const script = fc.record({
  batches: fc.array(
    fc.record({
      who: fc.nat(2),
      types: fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 1, maxLength: 5 }),
      moments: fc.nat(3),
      heard: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20 },
  ),
  losesAll: fc.boolean(),
  readers: fc.array(
    fc.record({
      only: fc.option(fc.subarray(['c0', 'c1', 'c2']), { nil: undefined }),
      types: fc.option(fc.subarray(['x', 'y', 'z']), { nil: undefined }),
      capacity: fc.constantFrom(1, 2, Infinity),
      joins: fc.nat(20),
    }),
    { minLength: 1, maxLength: 5 },
  ),
})

it('whatever rings are lost and whenever they come, all readers get what they asked for, once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(script, async ({ batches, losesAll, readers }) => {
      const bell = createBell()
      let heard = true
      const { events, feed, runs, store } = await open({
        bell: { ...bell, ring: (about) => heard && !losesAll && bell.ring(about) },
        doubtMs: 1,
      })
      const numbers = [1, 1, 1]
      const told = runs.map((_, n) => line(n, 1))
      const readings: [(typeof readers)[number], Reading][] = []
      const join = (now: number) => {
        for (const how of readers) if (how.joins === now) readings.push([how, read(feed, how)])
      }
      for (const [now, { who, types, moments, heard: isHeard }] of batches.entries()) {
        join(now)
        for (let n = 0; n < moments; n++) await turn()
        heard = isHeard
        const run = runs[who]
        const lines = types.map((type) => line(who, (numbers[who] = (numbers[who] ?? 0) + 1), type))
        if (run) await events.append(run, lines)
        told.push(...lines)
      }
      for (let now = batches.length; now <= 20; now++) join(now)
      const head = await store.feedHead()
      for (const [{ only, types }, { got, reader }] of readings) {
        const isMeant = (text: string) => {
          const { of, type } = JSON.parse(text) as { of: string; type: string }
          return (only?.includes(of) ?? true) && (types?.includes(type) ?? true)
        }
        await expect.poll(() => reader.place?.commit, { interval: 1, timeout: 10_000 }).toBe(head.commit)
        expect(got).toEqual(told.filter(isMeant))
        reader.close()
      }
    }),
    { numRuns: 60 },
  )
})

it('many who are level share one look at the store, and the very same page, also where much is stored together', async () => {
  const { events, feed, runs, looks } = await open({ count: 50, doubtMs: 60_000 })
  const readings = Array.from({ length: 20 }, () => read(feed))
  const filtered = read(feed, { only: ['c1'] })
  await expect.poll(() => [...readings, filtered].every(({ reader }) => reader.place !== undefined)).toBe(true)
  for (let n = 0; n < 5; n++) await turn()
  const before = looks.count
  await Promise.all(runs.map((run, n) => events.append(run, [line(n, 2)])))
  await expect.poll(() => readings.every(({ got }) => got.length === 100)).toBe(true)
  expect(looks.count - before).toBe(1)
  const [first, ...others] = readings.map(({ pages }) => pages.at(-1))
  for (const page of others) expect(page).toBe(first)
  await expect.poll(() => filtered.got).toEqual([line(1, 1), line(1, 2)])
  for (const { reader } of [...readings, filtered]) reader.close()
})

it('whoever comes to a page that others have read goes on to what was stored after it', async () => {
  const { events, feed, runs, store } = await open({ count: 1, doubtMs: 60_000 })
  const [run] = runs
  if (!run) throw new Error('there is no run')
  const after = await store.feedHead()
  const early = read(feed, { after })
  for (let number = 2; number < 5; number++) {
    await events.append(run, [line(0, number)])
    await expect.poll(() => early.got.length).toBe(number - 1)
  }
  const late = read(feed, { after })
  await expect.poll(() => late.got).toEqual(early.got)
  early.reader.close()
  late.reader.close()
})

it('a reader that is told to end delivers what there is, also what was not rung for, and no more', async () => {
  const { events, feed, runs } = await open({ bell: { ...createBell(), ring() {} }, count: 1, doubtMs: 60_000 })
  const { got, reader, ended } = read(feed)
  await expect.poll(() => got.length).toBe(1)
  if (runs[0]) await events.append(runs[0], [line(0, 2)])
  reader.end()
  await ended
  expect(got).toEqual([line(0, 1), line(0, 2)])
})

it('a feed that cannot be read ends the reader with the cause', async () => {
  const { feed } = await open()
  const { ended } = read({ ...feed, read: () => Promise.reject(new Error('The disk is gone.')) })
  await expect(ended).rejects.toThrow('The disk is gone.')
})

it('without readers nobody listens, looks or keeps anything', async () => {
  const bell = createBell()
  let listeners = 0
  const counting: Bell = {
    ...bell,
    listenAll(wake) {
      listeners++
      const listener = bell.listenAll(wake)
      return {
        [Symbol.dispose]() {
          listeners--
          listener[Symbol.dispose]()
        },
      }
    },
  }
  const { events, feed, runs, looks } = await open({ bell: counting, count: 1 })
  const readings = [read(feed), read(feed)]
  await expect.poll(() => readings.every(({ got }) => got.length === 1)).toBe(true)
  expect(listeners).toBe(1)
  for (const { reader } of readings) reader.close()
  const before = looks.count
  if (runs[0]) await events.append(runs[0], [line(0, 2)])
  await turn()
  expect([listeners, looks.count - before]).toEqual([0, 0])
})

it('a reader that is closed while the store is looked at gets nothing of what it finds', async () => {
  const { feed } = await open()
  const { promise: isFound, resolve: found } = Promise.withResolvers<void>()
  let hasFound = false
  const { got, reader } = read({
    ...feed,
    async read(after, only) {
      const page = await feed.read(after, only)
      await isFound
      hasFound = true
      return page
    },
  })
  await turn()
  reader.close()
  found()
  await expect.poll(() => hasFound).toBe(true)
  await turn()
  expect(got).toEqual([])
})

it('a look at the store that a ring has overtaken takes nothing from the one that came after it', async () => {
  const { store, events, runs } = await open({ count: 1 })
  const end = await store.feedHead()
  const looks: PromiseWithResolvers<FeedPage>[] = []
  const slow = { ...store, feed: () => looks[looks.push(Promise.withResolvers<FeedPage>()) - 1]?.promise as never }
  const bell = createBell()
  const feed = createFeed({ store: slow, bell, log: quiet, doubtMs: 60_000 })
  using _ = feed.listen(() => {})
  const early = feed.read(end, undefined)
  if (runs[0]) await events.append(runs[0], [line(0, 2)])
  bell.ring('c0' as ConversationId)
  await turn()
  const late = feed.read(end, undefined)
  looks[0]?.resolve({ batches: [], next: end, isLevel: true })
  expect(await early).toMatchObject({ batches: [] })
  const alike = feed.read(end, undefined)
  looks[1]?.resolve(await store.feed(end, undefined, 1000))
  expect(await late).toBe(await alike)
  expect((await late).batches).toHaveLength(1)
  expect(looks).toHaveLength(2)
})
