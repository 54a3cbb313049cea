import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { batches } from '../../src/store/sqlite/batch.ts'
import { type Database, openForWriting, prepareDatabase } from '../../src/store/sqlite/open.ts'
import type { Operation } from '../../src/store/sqlite/operations.ts'
import { inTransaction } from '../../src/store/sqlite/transaction.ts'
import { temporaryDir } from './temporary.ts'

const REFUSED = { failure: { code: 'storage_unavailable', message: expect.stringMatching(/Free some disk space/) } }

it('when SQLite gives a transaction up for want of space, all that was in it is refused, and the next one works', () => {
  const db = database()
  const commit = batches(db)
  const batch = [note('x'), note('x'.repeat(1_000_000)), note('xx')]
  limitToSize(db)
  expect(commit(batch)).toMatchObject([REFUSED, REFUSED, REFUSED])
  expect(db.isTransaction).toBe(false)
  expect(lengths(db)).toEqual([])
  unlimit(db)
  expect(commit(batch)).toEqual([{ value: undefined }, { value: undefined }, { value: undefined }])
  expect(lengths(db)).toEqual([1, 1_000_000, 2])
})

it('a transaction that SQLite gave up by itself fails with the reason for that', () => {
  const db = database()
  db.exec('CREATE TABLE a (x)')
  limitToSize(db)
  const fill = () => db.prepare('INSERT INTO a VALUES (?)').run('x'.repeat(1_000_000))
  expect(() => inTransaction(db, fill)).toThrow('database or disk is full')
  unlimit(db)
  inTransaction(db, fill)
  expect(db.prepare('SELECT count(*) AS n FROM a').get()).toEqual({ n: 1 })
})

function note(detail: string): Operation {
  return { name: 'addAudit', input: { at: 1, who: 'me', agent: undefined, from: undefined, action: 'send', detail } }
}

function lengths(db: Database): number[] {
  return db
    .prepare<{ entry: string }>('SELECT entry FROM audit ORDER BY n')
    .all()
    .map(({ entry }) => JSON.parse(entry).detail.length)
}

function database(): Database {
  const file = join(temporaryDir(), 'test.db')
  prepareDatabase(file)
  const db = openForWriting(file)
  onTestFinished(() => db.close())
  return db
}

/** Stands in for a full disk: no more pages than there are. */
function limitToSize(db: Database): void {
  db.exec('PRAGMA max_page_count = 1')
}

function unlimit(db: Database): void {
  db.exec('PRAGMA max_page_count = 1000000')
}
