import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { migrate } from '../../src/store/sqlite/migrate.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

const first = { version: 1, sql: 'CREATE TABLE a (x); INSERT INTO a VALUES (1);' }
const second = { version: 2, sql: 'ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;' }

it('a new database gets every migration, an old one those that it lacks', () => {
  const db = database()
  migrate(db, [first])
  migrate(db, [first])
  migrate(db, [first, second])
  expect(db.prepare('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: 2 }])
  expect(version(db)).toBe(2)
})

it('a migration that fails leaves the database as it was before it', () => {
  const db = database()
  const broken = { version: 2, sql: 'ALTER TABLE a ADD COLUMN y; INSERT INTO missing VALUES (1);' }
  expect(() => migrate(db, [first, broken])).toThrow('no such table: missing')
  expect(version(db)).toBe(1)
  expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 1 }])
  migrate(db, [first, second])
  expect(version(db)).toBe(2)
})

it('a database of a newer release is refused with a sentence and stays as it is', async () => {
  const dataDir = temporaryDir()
  await (await temporaryStore(dataDir)).close()
  const db = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  db.exec('PRAGMA user_version = 999')
  const content = () => db.prepare('SELECT * FROM sqlite_schema ORDER BY name').all()
  const before = content()
  await expect(openSqliteStore({ dataDir, log: silent })).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringMatching(/^The database has schema version 999, this program knows \d+: .*newer release/),
  })
  expect([version(db), content()]).toEqual([999, before])
})

function database(): Database {
  const db = connect(join(temporaryDir(), 'test.db'))
  onTestFinished(() => db.close())
  return db
}

function version(db: Database): unknown {
  return db.prepare<{ user_version: number }>('PRAGMA user_version').get()?.user_version
}
