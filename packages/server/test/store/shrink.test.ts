import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { connect } from '../../src/store/sqlite/open.ts'
import { shrinking } from '../../src/store/sqlite/shrink.ts'
import { allLines, started } from '../contract/samples.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

const LINE = JSON.stringify('x'.repeat(300))

it('what sealing frees goes back to the disk, and every event is still there', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const runs = await Promise.all(Array.from({ length: 10 }, () => started(store)))
  const rounds = 400
  for (let n = 0; n < rounds; n++) await Promise.all(runs.map(({ run }) => store.append(run.id, [LINE, LINE], 1)))
  for (const { run } of runs) await store.endRun(run.id, [LINE], 2)
  const bytes = 10 * (2 * rounds + 1) * (LINE.length + 1)
  const file = join(dataDir, 'claude-proxy.db')
  const onDisk = () => statSync(file).size + statSync(`${file}-wal`).size
  await expect.poll(onDisk, { timeout: 20_000 }).toBeLessThan(bytes * 1.2 + 512 * 1024)
  for (const { id } of runs) expect(await allLines(store, id)).toHaveLength(2 * rounds + 2)
})

it('a reader of another program does not make an append wait', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { run } = await started(store)
  const other = connect(join(dataDir, 'claude-proxy.db'), true)
  other.exec('BEGIN')
  other.prepare('SELECT count(*) FROM chunk').get()
  for (let n = 0; n < 50; n++) await store.append(run.id, [LINE], 1)
  await store.endRun(run.id, [LINE], 2)
  const { run: next } = await started(store)
  const begin = performance.now()
  for (let n = 0; n < 20; n++) await store.append(next.id, [LINE], 3)
  expect(performance.now() - begin).toBeLessThan(4000)
  other.exec('COMMIT')
  other.close()
})

it('a database that cannot shrink is left alone', () => {
  const db = connect(join(temporaryDir(), 'plain.db'))
  db.exec(`CREATE TABLE filler (text TEXT); INSERT INTO filler VALUES (zeroblob(4000000)); DROP TABLE filler`)
  expect(shrinking(db).isDue()).toBe(false)
  db.close()
})
