import { expect, it, onTestFinished } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import type { Clock } from '../../src/core/ports/outside.ts'
import type { SearchIndex } from '../../src/core/ports/search.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createIndexer } from '../../src/core/search/indexer.ts'
import { parseQuery } from '../../src/core/search/query.ts'
import { createMemorySearch } from '../../src/store/memory/search.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, newRun } from '../contract/samples.ts'

const PATIENCE = 5000

it('what is told of is in the index a moment later, and at once when somebody searches', async () => {
  const { store, index, indexer, bell, say } = begin({ pauseMs: 1 })
  await indexer.level(PATIENCE)
  const id = await say('first alpha')
  bell.ring(id)
  await expect.poll(() => numbers(index, 'alpha', id)).toEqual([1])
  const slow = begin({ pauseMs: 1_000_000, store, index: createMemorySearch(store) })
  await say('second alpha', id)
  slow.bell.ring(id)
  expect(await slow.indexer.level(PATIENCE)).toBe(true)
  expect(await numbers(slow.index, 'alpha', id)).toEqual([3, 1])
})

it('a start finds what was stored, and what was deleted, while nobody looked', async () => {
  const store = createMemoryStore()
  const index = createMemorySearch(store)
  const first = begin({ store, index })
  const [kept, gone] = [await first.say('beta'), await first.say('beta')]
  expect(await first.indexer.level(PATIENCE)).toBe(true)
  await first.indexer.close()
  await first.say('beta again', kept)
  await first.store.deleteConversation(gone)
  const second = begin({ store, index })
  const added = await second.say('beta')
  expect(await second.indexer.level(PATIENCE)).toBe(true)
  expect(await numbers(index, 'beta', kept)).toEqual([3, 1])
  expect(await numbers(index, 'beta', added)).toEqual([1])
  expect((await index.positions()).has(gone)).toBe(false)
})

it('a conversation that is deleted is forgotten', async () => {
  const { store, index, indexer, say } = begin()
  const id = await say('gamma')
  await indexer.level(PATIENCE)
  await store.deleteConversation(id)
  indexer.note(id)
  expect(await indexer.level(PATIENCE)).toBe(true)
  expect((await index.positions()).has(id)).toBe(false)
})

it('an index that has lost everything, or fails for a while, is filled again', async () => {
  const store = createMemoryStore()
  let index = createMemorySearch(store)
  let fails = false
  const losing: SearchIndex = {
    ...index,
    positions: () => {
      fails = false
      return index.positions()
    },
    catchUp: (...asked) => (fails ? Promise.reject(new Error('It is gone.')) : index.catchUp(...asked)),
  }
  const { indexer, say, bell, complaints } = begin({ store, index: losing, pauseMs: 1, retryMs: 1 })
  const ids = [await say('delta'), await say('delta'), await say('delta')]
  await indexer.level(PATIENCE)
  index = createMemorySearch(store)
  fails = true
  await say('delta again', ids[0])
  bell.ring(ids[0] as ConversationId)
  await expect.poll(() => numbers(index, 'delta', ...ids)).toEqual([3, 1, 1, 1])
  expect(complaints).toEqual(['The search index could not be kept up; it is tried again.'])
})

it('an index of a later day than the store is made again where they differ', async () => {
  const [later, older] = [createMemoryStore(), createMemoryStore()]
  let store = later
  const index = createMemorySearch({ page: (...asked) => store.page(...asked) })
  const first = begin({ index, store: later })
  const id = await first.say('epsilon')
  await first.say('epsilon', id)
  await first.indexer.level(PATIENCE)
  store = older
  const again = begin({ index, store: older })
  await again.say('other words', id)
  expect(await again.indexer.level(PATIENCE)).toBe(true)
  expect((await later.conversation(id))?.head).toBeGreaterThan((await older.conversation(id))?.head ?? 0)
  expect(await numbers(index, 'epsilon', id)).toEqual([])
  expect(await numbers(index, 'other', id)).toEqual([1])
})

it('who searches waits for what is behind only so long, and is told', async () => {
  const { index } = begin()
  const hanging: SearchIndex = { ...index, catchUp: () => new Promise(() => {}) }
  const { indexer, say } = begin({ index: hanging, closes: false })
  await say('zeta')
  expect(await indexer.level(10)).toBe(false)
})

it('an index that goes on failing is tried again after a while, also while somebody searches', async () => {
  const { index } = begin()
  let tries = 0
  const failing: SearchIndex = { ...index, catchUp: () => Promise.reject(new Error(`Not at the ${++tries}. time.`)) }
  const { indexer, say } = begin({ index: failing, pauseMs: 1_000_000, retryMs: 1_000_000 })
  await say('zeta')
  expect(await indexer.level(50)).toBe(false)
  expect(tries).toBeLessThan(3)
})

it('what grows while it is being indexed is waited for, too', async () => {
  const { store, index: whole } = begin()
  const held = Promise.withResolvers<undefined>()
  const index: SearchIndex = { ...whole, catchUp: (...asked) => held.promise.then(() => whole.catchUp(...asked)) }
  const { indexer, say, bell } = begin({ store, index })
  const id = await say('eta')
  const before = indexer.level(PATIENCE)
  await say('eta again', id)
  bell.ring(id)
  const after = indexer.level(PATIENCE)
  held.resolve(undefined)
  expect(await Promise.all([before, after])).toEqual([true, true])
  expect(await numbers(whole, 'eta', id)).toEqual([3, 1])
})

it('while others store, the index rests after each step, but not when somebody searches', async () => {
  const store = createMemoryStore()
  const whole = createMemorySearch(store)
  let now = 0
  let steps = 0
  const index: SearchIndex = {
    ...whole,
    async catchUp(...asked) {
      // So long that nobody could sit out the rest after it.
      now += 1_000_000
      if (++steps === 1) bell.ring(await say('theta again', id))
      return whole.catchUp(...asked)
    },
  }
  const { indexer, say, bell } = begin({ store, index, pauseMs: 1, clock: { now: () => now } })
  const id = await say('theta')
  indexer.start()
  await expect.poll(() => numbers(whole, 'theta', id)).not.toEqual([])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(steps).toBe(1)
  expect(await indexer.level(PATIENCE)).toBe(true)
  expect(steps).toBe(2)
  expect(await numbers(whole, 'theta', id)).toEqual([3, 1])
})

interface Begun {
  readonly clock?: Clock
  readonly store?: Store
  readonly index?: SearchIndex
  readonly pauseMs?: number
  readonly retryMs?: number
  readonly closes?: boolean
}

function begin({
  store = createMemoryStore(),
  index = createMemorySearch(store),
  pauseMs = 1_000_000,
  retryMs = 1_000_000,
  closes = true,
  clock = { now: Date.now },
}: Begun = {}) {
  const bell = createBell()
  const complaints: string[] = []
  const log = { info() {}, warn: (message: string) => complaints.push(message), error() {} }
  const indexer = createIndexer({ store, index, bell, clock, log, pauseMs, retryMs })
  if (closes) onTestFinished(() => indexer.close())

  /** A run with one prompt, in a new conversation or in one that is there. */
  async function say(text: string, name = fresh().id): Promise<ConversationId> {
    const { folder } = (await store.conversation(name)) ?? fresh()
    const run = newRun({ name, folder, line: JSON.stringify(promptEvent(text, '')) })
    await store.beginRun(run)
    await store.endRun(run.id, ['{"type":"result"}'], 2)
    return name
  }
  return { store, index, indexer, bell, say, complaints }
}

async function numbers(index: SearchIndex, query: string, ...ids: ConversationId[]): Promise<number[]> {
  return (await index.within(parseQuery(query), ids, 10)).flatMap((found) => found.numbers)
}
