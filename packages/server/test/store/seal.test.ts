import * as fc from 'fast-check'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { removing } from '../../src/store/sqlite/delete.ts'
import { SEALED_BYTES, sealing } from '../../src/store/sqlite/seal.ts'
import { allLines, linesOf, newRun, started } from '../contract/samples.ts'
import { startChild } from './child.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

/** Sealing waits for nobody's hurry: on a busy machine it takes its time. */
const PATIENCE = { timeout: 20_000 }

it('when a run ends its small chunks become large ones, with the same events', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, run } = await started(store)
  await appendOneByOne(store, run.id, 1500, 1000)
  const before = await allLines(store, id)
  const db = database(dataDir)
  expect(chunks(db)).toHaveLength(1501)
  await store.endRun(run.id, ['{"n":"end"}'], 3)
  await expect.poll(() => isSealed(db), PATIENCE).toBe(true)
  expect(chunks(db).length).toBeLessThanOrEqual(7)
  expect(Math.max(...chunks(db))).toBeLessThanOrEqual(SEALED_BYTES)
  expect(await allLines(store, id)).toEqual([...before, '{"n":"end"}'])
})

it('many short runs end up in large chunks as well, and a line that is larger stays whole', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, folder, run } = await started(store)
  await store.endRun(run.id, [JSON.stringify('x'.repeat(600_000))], 2)
  for (let turn = 0; turn < 150; turn++) {
    const begun = newRun({ name: id, folder })
    await store.beginRun(begun)
    await store.endRun(begun.id, [JSON.stringify('x'.repeat(5000))], 2)
  }
  const db = database(dataDir)
  await expect.poll(() => isSealed(db), PATIENCE).toBe(true)
  // 150 × 5 KB in chunks that are at least half full, the first event, the large line, and the last chunk
  expect(chunks(db).length).toBeLessThanOrEqual(3 + 750_000 / (SEALED_BYTES / 2))
  expect(await allLines(store, id)).toHaveLength(2 + 300)
})

it('readers get every event in order while the chunks under them are merged, and appends go on', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, folder, run } = await started(store)
  await appendOneByOne(store, run.id, 1000, 2500)
  await store.endRun(run.id, ['{"n":"end"}'], 3)
  const next = newRun({ name: id, folder })
  await store.beginRun(next)
  const db = database(dataDir)
  const expected = await allLines(store, id)
  const rows = chunks(db).length
  await fc.assert(
    fc.asyncProperty(fc.nat(1500), fc.nat(600_000), async (after, bytes) => {
      const appended = await store.append(next.id, [`{"n":${expected.length + 1}}`], 4)
      expect(appended).toMatchObject({ status: 'stored', first: expected.length + 1 })
      expected.push(`{"n":${expected.length + 1}}`)
      const page = await store.page(id, after, bytes)
      expect(linesOf(page)).toEqual(expected.slice(after, after + page.count))
      expect(page.count > 0).toBe(after < expected.length)
    }),
    { numRuns: 300 },
  )
  await expect.poll(() => isSealed(db), PATIENCE).toBe(true)
  expect(chunks(db).length).toBeLessThan(rows + 300)
  expect(await allLines(store, id)).toEqual(expected)
})

it('kill -9 during sealing loses nothing, and the next start goes on with it', async () => {
  const dataDir = temporaryDir()
  const filling = await temporaryStore(dataDir)
  const all = await Promise.all([1, 2, 3].map(() => started(filling)))
  await Promise.all(all.map(({ run }) => appendOneByOne(filling, run.id, 1500, 4000)))
  const before = await Promise.all(all.map(({ id }) => allLines(filling, id)))
  await filling.close()
  const db = database(dataDir)
  db.exec('INSERT INTO unsealed SELECT c FROM conversation')
  const total = chunks(db).length

  const shares = fc.sample(fc.integer({ min: 1, max: 30 }), 3)
  let target = total
  for (const share of shares) {
    target -= Math.ceil((total * share) / 100)
    const child = startChild('seal-child.ts', [dataDir])
    await waitForLine(child.lines, (line) => Number(line) <= target)
    await child.kill()
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    expect(isSealed(db), `killed when ${shares.join(', ')} % were done`).toBe(false)
    const texts = db.prepare<{ text: string }>(
      "SELECT group_concat(lines, '' ORDER BY first) AS text FROM chunk JOIN conversation USING (c) WHERE id = ?",
    )
    for (const [n, { id }] of all.entries()) expect(texts.get(id)?.text === `${before[n]?.join('\n')}\n`).toBe(true)
  }

  const store = await temporaryStore(dataDir)
  await expect.poll(() => isSealed(db), PATIENCE).toBe(true)
  expect(chunks(db).length).toBeLessThan(100)
  for (const [n, { id }] of all.entries()) expect(await allLines(store, id)).toEqual(before[n])
})

async function appendOneByOne(store: Store, run: Parameters<Store['append']>[0], times: number, size: number) {
  for (let n = 0; n < times; n++) await store.append(run, [JSON.stringify({ n, x: 'x'.repeat(size) })], 2)
}

async function waitForLine(lines: AsyncIterable<string>, isIt: (line: string) => boolean): Promise<void> {
  for await (const line of lines) if (isIt(line)) return
  throw new Error('the child ended before it printed what was waited for')
}

function database(dataDir: string): Database {
  const db = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  return db
}

function chunks(db: Database): number[] {
  const sizes = db.prepare<{ bytes: number }>('SELECT octet_length(lines) AS bytes FROM chunk')
  return sizes.all().map(({ bytes }) => bytes)
}

function isSealed(db: Database): boolean {
  return db.prepare('SELECT c FROM unsealed').get() === undefined
}

it('where nothing is left to be sealed or removed, a step of it does nothing', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id } = await started(store)
  const db = database(dataDir)
  for (const work of [sealing(db), removing(db)]) {
    expect(work.isDue()).toBe(false)
    work.step()
  }
  expect(await allLines(store, id)).toHaveLength(1)
})
