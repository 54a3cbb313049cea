import { expect, onTestFinished, test } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import { createIndexer } from '../../src/core/search/indexer.ts'
import { parseQuery } from '../../src/core/search/query.ts'
import { createSearch, type HitPosition } from '../../src/core/search/search.ts'
import { createMemorySearch } from '../../src/store/memory/search.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, newRun } from '../contract/samples.ts'

const log = { info() {}, warn() {}, error() {} }

/** So many conversations in one folder, each with a prompt, the one that was active last at the end. */
async function talked(count: number, say: (n: number) => string) {
  const store = createMemoryStore()
  const index = createMemorySearch(store)
  const pause = { pauseMs: 1_000_000, retryMs: 1_000_000 }
  const indexer = createIndexer({ store, index, bell: createBell(), clock: { now: Date.now }, log, ...pause })
  onTestFinished(() => indexer.close())
  const search = createSearch({ store, index, indexer })
  const { folder } = fresh()
  async function prompt(id: ConversationId, text: string, at: number, where: Folder = folder) {
    const run = newRun({ name: id, isOwn: true, folder: where, at, line: JSON.stringify(promptEvent(text, '')) })
    await store.beginRun(run)
    await store.endRun(run.id, ['{"type":"result"}'], at)
  }
  const ids: ConversationId[] = []
  for (let n = 0; n < count; n++) {
    const { id } = fresh()
    ids.push(id)
    await store.createConversation({ id, folder, cwd: folder, title: undefined, at: n + 1 })
    await prompt(id, say(n), n + 1)
  }
  const newestFirst = ids.toReversed()
  const found = async (query: string, after?: HitPosition, limit = 100, among?: ConversationId[]) => {
    const { hits, next } = await search.hits(parseQuery(query), { among }, after, limit)
    return { found: hits.map(({ conversation }) => conversation.id), next }
  }
  return { store, search, ids, newestFirst, prompt, found, indexer }
}

test('a word is found in every conversation that it was said in, however many and however old, page by page', async () => {
  const { newestFirst, found, search } = await talked(100, (n) => (n % 30 === 0 ? 'rare common' : 'common'))
  const rare = newestFirst.filter((_, n) => (99 - n) % 30 === 0)
  for (const [word, wanted] of [
    ['common', newestFirst],
    ['rare', rare],
  ] as const) {
    expect((await found(word)).found).toEqual(wanted)
    const paged: ConversationId[] = []
    for (let next: HitPosition | undefined, isFirst = true; isFirst || next; isFirst = false) {
      const page = await found(word, next, 3)
      paged.push(...page.found)
      next = page.next
    }
    expect(paged).toEqual(wanted)
    const listed = await search.conversations(parseQuery(word), { limit: 1000 })
    expect(listed.map(({ id }) => id)).toEqual(wanted)
  }
  expect((await search.conversations(parseQuery('rare'), { limit: 2 })).map(({ id }) => id)).toEqual(rare.slice(0, 2))
})

test('a page that ended in a conversation which is deleted since is followed by the next one', async () => {
  const { store, search, newestFirst, found } = await talked(4, () => 'word')
  const [first, second, ...rest] = newestFirst
  if (first === undefined || second === undefined) throw new Error('there are four')
  const { next } = await found('word', undefined, 2)
  await store.deleteConversation(second)
  search.forget(second)
  expect((await found('word', next)).found).toEqual(rest)
})

test('what comes again because somebody has gone on with it is not told twice', async () => {
  const { newestFirst, prompt, found, indexer } = await talked(3, () => 'word')
  const [, second = fresh().id, third] = newestFirst
  const { next } = await found('word', undefined, 2)
  // By a clock that was put back: it stands behind the place where the page ended once more.
  await prompt(second, 'word', 0)
  indexer.note(second)
  expect((await found('word', next)).found).toEqual([third])
})

test('only some conversations are looked through where only they are asked for, also from page to page', async () => {
  const { newestFirst, found } = await talked(3, () => 'word')
  const [, second = fresh().id, third = fresh().id] = newestFirst
  const { next } = await found('word', undefined, 1, newestFirst)
  expect((await found('word', next, 9, [second])).found).toEqual([second])
  expect((await found('word', next, 9, newestFirst)).found).toEqual([second, third])
  expect((await found('word', undefined, 9, [third])).found).toEqual([third])
})
