import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import { createBell } from '../../src/core/log/bell.ts'
import type { Log } from '../../src/core/ports/outside.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createIndexer } from '../../src/core/search/indexer.ts'
import { parseQuery } from '../../src/core/search/query.ts'
import { toMatch } from '../../src/store/sqlite/search/match.ts'
import { discardSqliteSearch, openSqliteSearch } from '../../src/store/sqlite/search/search.ts'
import { connect } from '../../src/store/sqlite/open.ts'
import { fresh } from '../contract/samples.ts'
import { append } from '../contract/search.ts'
import { startChild } from './child.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

const PATIENCE = 60_000
const EVENTS = 2000

it('kill -9 in the middle of indexing loses nothing of it and has nothing twice', async () => {
  const { dataDir, store, ids } = await filled(20)
  await store.close()
  for (const transactions of [1, 2, 3]) {
    const child = startChild('search-child.ts', [dataDir])
    let seen = 0
    await new Promise<void>((resolve) => {
      child.lines.on('line', () => ++seen === transactions && resolve())
      child.lines.on('close', resolve)
    })
    await child.kill()
    expect(seen).toBeGreaterThanOrEqual(transactions)
  }
  expect(hitsOf(await all(dataDir, await temporaryStore(dataDir)))).toEqual(new Map(ids.map((id) => [id, EVENTS])))
  expectIntegrity(dataDir)
})

it('a query of many beginnings becomes few words, however many it has of each', () => {
  const wordsFrom = (beginning: string, most: number) =>
    most < 20 ? undefined : Array.from({ length: 20 }, (_, n) => `${beginning}${n}`)
  const beginnings = Array.from({ length: 16 }, (_, n) => `word${n}x*`)
  const { text, isGathered } = toMatch(parseQuery(beginnings.join(' ')), wordsFrom)
  expect(text.match(/"[^"]+"/g)).toHaveLength(20 + 15)
  // FTS5 gathers what the others lead to, once for all conversations.
  expect(isGathered).toBe(true)
  expect(toMatch(parseQuery('word*'), wordsFrom)).toMatchObject({ isGathered: false })
})

it('an index that was removed, is none, is of another form or is damaged is made anew, and that is told', async () => {
  const { dataDir, store, ids } = await filled(2)
  const file = join(dataDir, 'search.db')
  const expected = new Map(ids.map((id) => [id, EVENTS]))
  const told: string[] = []
  const log: Log = { ...silent, warn: (message) => told.push(message) }
  const after = async (harm: () => void) => {
    harm()
    expect(hitsOf(await all(dataDir, store, log))).toEqual(expected)
    expectIntegrity(dataDir)
    return told.splice(0)
  }
  expect(await after(() => {})).toEqual([])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await after(() => discardSqliteSearch(dataDir))).toEqual([])
  expect(await after(() => connectAndClose(file, 'PRAGMA user_version = 999'))).toEqual([])
  const damaged = 'The search index was damaged; it is made anew.'
  expect(await after(() => writeFileSync(file, 'no database '.repeat(1000)))).toEqual([damaged])
  const harm = () => {
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0xa5, 4096))
  }
  expect(await after(harm)).toContain(damaged)
})

it('beside a store of an earlier day the index is made again where they differ', async () => {
  const [later, earlier] = [await filled(1), await filled(0)]
  const [id = fresh().id] = later.ids
  await all(later.dataDir, later.store)
  await append(earlier.store, id, ['common words of an earlier day'])
  await append(earlier.store, fresh().id, ['common'])
  copyFileSync(join(later.dataDir, 'search.db'), join(earlier.dataDir, 'search.db'))
  const found = await all(earlier.dataDir, earlier.store)
  expect(found.find(({ conversation }) => conversation === id)?.numbers).toEqual([1])
  expect(found).toHaveLength(2)
})

it('an index that a thread took along is compared anew before it goes on', async () => {
  const { dataDir, ids } = await filled(1)
  const index = openSqliteSearch({ dataDir, log: silent })
  onTestFinished(() => index.close())
  await expect(index.catchUp(ids, 1)).rejects.toThrow('positions')
  await index.positions()
  expect(await index.catchUp(ids, 1)).toEqual([{ conversation: ids[0], isLevel: false }])
})

it('of a deleted conversation no word is left in the file', async () => {
  const { dataDir, store, ids } = await filled(3)
  const [gone = fresh().id] = ids
  const { index, indexer } = opened(dataDir, store)
  expect(await indexer.level(PATIENCE)).toBe(true)
  expect(wordIsThere(dataDir, `only${gone}`)).toBe(true)
  await store.deleteConversation(gone)
  indexer.note(gone)
  expect(await indexer.level(PATIENCE)).toBe(true)
  expect(hitsOf(await index.everywhere(parseQuery('common'), 10_000))).toEqual(
    new Map(ids.slice(1).map((id) => [id, EVENTS])),
  )
  await expect.poll(() => wordIsThere(dataDir, `only${gone}`), { timeout: PATIENCE }).toBe(false)
  expect(hitsOf(await index.everywhere(parseQuery('common'), 10_000))).toEqual(
    new Map(ids.slice(1).map((id) => [id, EVENTS])),
  )
  expect(wordIsThere(dataDir, `only${ids[1]}`)).toBe(true)
})

it('where no index is wanted, none is left', async () => {
  const { dataDir, store } = await filled(1)
  await all(dataDir, store)
  discardSqliteSearch(dataDir)
  expect(['', '-wal', '-shm'].some((suffix) => existsSync(join(dataDir, `search.db${suffix}`)))).toBe(false)
})

/** A store with conversations whose every event says `common`, and a word of its conversation's own. */
async function filled(conversations: number) {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const ids = Array.from({ length: conversations }, () => ConversationId.parse(fresh().id.replace('-', '')))
  for (const id of ids) {
    const lines = Array.from({ length: EVENTS }, (_, n) =>
      JSON.stringify(promptEvent(`common only${id} number${n} ${'filler '.repeat(20)}`, '')),
    )
    const facts = { group: undefined, sessionId: undefined, createdAt: 1, updatedAt: 1, canonical: false }
    await store.importConversation({ id, folder: fresh().folder, cwd: '/', lines, ...facts })
  }
  return { dataDir, store, ids }
}

function opened(dataDir: string, store: Store, log: Log = silent) {
  const index = openSqliteSearch({ dataDir, log })
  const indexer = createIndexer({ store, index, bell: createBell(), clock: Date, log, pauseMs: 1, retryMs: 1 })
  onTestFinished(async () => {
    await indexer.close()
    await index.close()
  })
  return { index, indexer }
}

/** All hits of the word that every event has, once the index is level. */
async function all(dataDir: string, store: Store, log?: Log) {
  const { index, indexer } = opened(dataDir, store, log)
  await expect.poll(() => indexer.level(PATIENCE), { timeout: PATIENCE }).toBe(true)
  const known = [...(await index.positions()).keys()]
  const found = await index.within(parseQuery('common'), known, 10_000)
  await indexer.close()
  await index.close()
  return found
}

function hitsOf(found: Awaited<ReturnType<typeof all>> | undefined): Map<ConversationId, number> {
  return new Map(found?.map(({ conversation, numbers }) => [conversation, new Set(numbers).size]))
}

function wordIsThere(dataDir: string, word: string): boolean {
  // Words are stored without the beginning that they share with the one before.
  const end = word.slice(-6)
  return ['', '-wal'].some((suffix) => {
    const file = join(dataDir, `search.db${suffix}`)
    return existsSync(file) && readFileSync(file).includes(end)
  })
}

function expectIntegrity(dataDir: string): void {
  const db = connect(join(dataDir, 'search.db'))
  try {
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  } finally {
    db.close()
  }
}

function connectAndClose(file: string, sql: string): void {
  const db = connect(file)
  db.exec(sql)
  db.close()
}
