import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { migrate } from '../../src/store/sqlite/migrate.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { started } from '../contract/samples.ts'
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

it('what runs used before sums of it were kept is in them', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, folder, run } = await started(store)
  const usage = [
    { model: 'm', inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheCreationTokens: 4, costUsd: 5 },
  ]
  await store.endRun(run.id, ['{}'], 5_000_000, { outcome: 'success', usage, facts: {} })
  const gone = await started(store)
  await store.endRun(gone.run.id, ['{}'], 2_000_000, { outcome: 'interrupted', usage, facts: {} })
  const query = { periods: [{ from: 0, to: 9_000_000 }], limit: 10 }
  const sums = () =>
    Promise.all((['folder', 'model', 'conversation'] as const).map((by) => store.usage({ ...query, by })))
  const before = await sums()
  expect(before[2]).toMatchObject([{ key: id }, { key: gone.id }])
  const db = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  db.exec('DELETE FROM used')
  const sql = readFileSync(new URL('../../src/store/sqlite/migrations/0012_usage.sql', import.meta.url), 'utf8')
  db.exec(sql.slice(sql.indexOf('INSERT')))
  expect(await sums()).toEqual(before)
  expect(await store.usage({ ...query, by: 'period', folder })).toMatchObject([{ runs: 1, durationMs: 4_999_999 }])
})

function database(): Database {
  const db = connect(join(temporaryDir(), 'test.db'))
  onTestFinished(() => db.close())
  return db
}

function version(db: Database): unknown {
  return db.prepare<{ user_version: number }>('PRAGMA user_version').get()?.user_version
}
