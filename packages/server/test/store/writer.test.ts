import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { openWriter } from '../../src/store/sqlite/writer.ts'
import { allLines, fresh, newRun, started } from '../contract/samples.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

it('appends that are asked for together are one commit, and one row for each conversation', async () => {
  const { store, db } = await storeAndDatabase()
  const [a, b] = [await started(store), await started(store)]
  await Promise.all(Array.from({ length: 400 }, (_, n) => store.append((n % 2 ? a : b).run.id, ['{}'], 2)))
  const rows = db.prepare('SELECT first, n FROM chunk JOIN conversation USING (c) WHERE id = ? ORDER BY first')
  for (const { id } of [a, b])
    expect(rows.all(id)).toMatchObject([
      { first: 1, n: 1 },
      { first: 2, n: 200 },
    ])
})

it('much that is asked for together makes rows of at most 1,000 lines and about 256 KB', async () => {
  const { store, db } = await storeAndDatabase()
  const { run } = await started(store)
  const large = JSON.stringify('x'.repeat(50_000))
  const asked = [...Array<string>(5000).fill('{}'), ...Array<string>(100).fill(large)]
  await Promise.all(asked.map((line) => store.append(run.id, [line], 2)))
  const rows = db.prepare<{ n: number; bytes: number }>('SELECT n, octet_length(lines) AS bytes FROM chunk').all()
  expect(Math.max(...rows.map(({ n }) => n))).toBe(1000)
  expect(Math.max(...rows.map(({ bytes }) => bytes))).toBeLessThanOrEqual(256 * 1024)
  expect(rows.length).toBeLessThan(50)
})

it('an operation that fails is rolled back alone; those committed with it are not touched', async () => {
  const { store, db } = await storeAndDatabase()
  const { id, run } = await started(store)
  refuse(db, "BEFORE INSERT ON run WHEN NEW.text = 'poison'")
  const poison = newRun({ name: fresh().id, folder: fresh().folder, text: 'poison' })
  const good = newRun({ name: fresh().id, folder: fresh().folder })
  const [before, refused, after, begun] = await Promise.allSettled([
    store.append(run.id, ['{"n":2}'], 2),
    store.beginRun(poison),
    store.append(run.id, ['{"n":3}'], 2),
    store.beginRun(good),
  ])
  expect(refused).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('poisoned') } })
  expect(before).toMatchObject({ value: { status: 'stored', first: 2 } })
  expect(after).toMatchObject({ value: { status: 'stored', first: 3 } })
  expect(begun).toMatchObject({ value: { status: 'begun' } })
  expect(await store.conversation(poison.name)).toBeUndefined()
  expect(await store.canonical(poison.folder)).toBeUndefined()
  expect(await allLines(store, id)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}'])
})

it('the events of an operation that fails leave no line and no gap', async () => {
  const { store, db } = await storeAndDatabase()
  const { id, run } = await started(store)
  refuse(db, "BEFORE UPDATE OF state ON run WHEN NEW.state = 'ended'")
  const [, ended] = await Promise.allSettled([
    store.append(run.id, ['{"n":2}'], 2),
    store.endRun(run.id, ['{"n":"never"}'], 2),
    store.append(run.id, ['{"n":3}'], 2),
  ])
  expect(ended.status).toBe('rejected')
  expect(await store.run(run.id)).toMatchObject({ state: 'accepted' })
  expect(await allLines(store, id)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}'])
})

it.each([
  ['at its end', "AFTER INSERT ON chunk WHEN NEW.lines LIKE '%doom%' BEGIN INSERT INTO doomed VALUES (-1); END"],
  ['at its rows', "BEFORE INSERT ON chunk WHEN NEW.lines LIKE '%doom%' BEGIN SELECT RAISE(ABORT, 'no'); END"],
])('a commit that fails %s rejects all that was in it and takes no numbers; the next one works', async (_, doom) => {
  const { store, db } = await storeAndDatabase()
  const { id, folder, run } = await started(store)
  db.exec('CREATE TABLE doomed (c INTEGER REFERENCES conversation (c) DEFERRABLE INITIALLY DEFERRED)')
  db.exec(`CREATE TRIGGER doom ${doom}`)
  const failed = await Promise.allSettled([
    store.append(run.id, ['{"n":2}'], 2),
    store.append(run.id, ['{"n":"doom"}'], 2),
    store.activate({ id: fresh().id, folder: fresh().folder, cwd: folder, at: 2 }),
  ])
  const refusal = { status: 'rejected', reason: { code: 'storage_unavailable', status: 503 } }
  expect(failed).toMatchObject([refusal, refusal, refusal])
  expect(await store.append(run.id, ['{"n":2}'], 2)).toEqual({ status: 'stored', first: 2, last: 2 })
  expect(await allLines(store, id)).toEqual(['{"n":1}', '{"n":2}'])
})

it('the database itself refuses a second open run in a folder', async () => {
  const { store, db } = await storeAndDatabase()
  const { run } = await started(store)
  const copy = db.prepare(`INSERT INTO run (id, c, folder, state, begun_by, text, options, first, begun_at)
    SELECT 'other', c, folder, state, begun_by, text, options, first, begun_at FROM run WHERE id = ?`)
  expect(() => copy.run(run.id)).toThrow('UNIQUE constraint failed: run.folder')
  await store.endRun(run.id, ['{}'], 2)
  db.exec(`UPDATE run SET folder = 'elsewhere'`)
  db.exec(`UPDATE run SET folder = '${run.folder}'`)
})

it('a writing thread that leaves something out is found out, and what it cannot tidy up is told of', async () => {
  const warnings: string[] = []
  const script = new URL('odd-worker.ts', import.meta.url)
  const writer = openWriter('unused', { ...silent, warn: (message) => warnings.push(message) }, script)
  const set = writer.submit('setSession', { id: 'c' as ConversationId, sessionId: 's', at: 1 })
  await expect(set).rejects.toThrow('left an operation without an answer')
  await expect.poll(() => warnings).toEqual(['Tidying up failed.'])
  await writer.close()
})

it('a writing thread that dies rejects what was pending; the next operation has a new one', async () => {
  const script = new URL('dying-worker.ts', import.meta.url)
  const writer = openWriter('unused', silent, script)
  const set = (sessionId: string) => writer.submit('setSession', { id: 'c' as ConversationId, sessionId, at: 1 })
  await set('live')
  const pending = await Promise.allSettled([set('live'), set('die'), set('live')])
  const refusal = { status: 'rejected', reason: { code: 'storage_unavailable' } }
  expect(pending).toMatchObject([refusal, refusal, refusal])
  await set('live')
  await expect(set('throw')).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringContaining('thrown on purpose'),
  })
  await set('live')
  const last = set('die')
  await expect(Promise.all([last, writer.close()])).rejects.toMatchObject({ code: 'storage_unavailable' })
  await writer.close()
  await expect(set('live')).rejects.toMatchObject({ code: 'shutting_down' })
})

it('a writing thread that dies while nothing is asked of it is told of, and the next operation has a new one', async () => {
  const errors: string[] = []
  const script = new URL('dying-worker.ts', import.meta.url)
  const writer = openWriter('unused', { ...silent, error: (message) => errors.push(message) }, script)
  const set = (sessionId: string) => writer.submit('setSession', { id: 'c' as ConversationId, sessionId, at: 1 })
  await set('die later')
  await expect.poll(() => errors).toEqual(['The thread that writes to the database failed.'])
  await set('live')
  await writer.close()
})

it('what cannot travel to the writing thread is refused with those beside it, and nobody waits behind it', async () => {
  const store = await temporaryStore()
  const { id, run } = await started(store)
  const strange = { id, folder: run.folder, cwd: '/', at: (() => 1) as unknown as number }
  const [refused] = await Promise.allSettled([store.activate(strange), store.append(run.id, ['{}'], 2)])
  expect(refused).toMatchObject({ status: 'rejected' })
  expect(await store.append(run.id, ['{}'], 2)).toMatchObject({ status: 'stored' })
})

it('a writing thread that cannot start refuses what it is asked', async () => {
  const writer = openWriter(join(temporaryDir(), 'no', 'such', 'folder', 'file.db'), silent)
  await expect(writer.submit('claimRun', 'r' as RunId)).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringContaining('unable to open'),
  })
})

async function storeAndDatabase(): Promise<{ store: Store; db: Database }> {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const db = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  return { store, db }
}

/** Lets the database refuse something, as a full disk or a bug would. */
function refuse(db: Database, what: string): void {
  db.exec(`CREATE TRIGGER poison ${what} BEGIN SELECT RAISE(ABORT, 'poisoned'); END`)
}
