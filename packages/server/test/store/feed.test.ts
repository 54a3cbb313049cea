import * as fc from 'fast-check'
import { cpSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { migrate } from '../../src/store/sqlite/migrate.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { packCommits, unpackCommits } from '../../src/store/sqlite/order.ts'
import { SPAN } from '../../src/store/sqlite/seal.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { allLines, feedAfter, fresh, newRun, started, told, type Told } from '../contract/samples.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

/** Sealing and removal wait for nobody's hurry: on a busy machine they take their time. */
const PATIENCE = { timeout: 20_000 }

it('every place that was given out is the same place when the chunks around it are sealed, again and again', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const db = database(dataDir)
  const all = await Promise.all([1, 2, 3, 4, 5].map(() => started(store)))
  const turn = fc.array(fc.record({ who: fc.nat(4), sizes: fc.array(fc.nat(3000), { minLength: 1, maxLength: 4 }) }), {
    minLength: 30,
    maxLength: 60,
  })
  let before: Told[] = []
  await fc.assert(
    fc.asyncProperty(turn, fc.nat(200_000), fc.nat(3), async (appends, bytes, ending) => {
      for (const { who, sizes } of appends) {
        const run = all[who]?.run
        if (run) await store.append(run.id, sizes.map(text), 2)
      }
      const { events } = await feedAfter(store, undefined)
      expect(events.slice(0, before.length)).toEqual(before)
      // those of the others are open: between two sealed chunks lie unsealed ones
      for (const [n, each] of all.entries()) if (n !== ending) each.run = await nextRun(store, each)
      await expect.poll(() => isAtRest(db), PATIENCE).toBe(true)
      before = (await feedAfter(store, undefined)).events
      expect(before.slice(0, events.length)).toEqual(events)
      const places = fc.sample(fc.nat(before.length - 1), { numRuns: 25, seed: before.length })
      for (const n of places)
        expect((await feedAfter(store, before[n]?.place, undefined, bytes)).events).toEqual(before.slice(n + 1))
    }),
    { numRuns: 5 },
  )
  for (const { id } of all) expect(linesOf(before, id)).toEqual(await allLines(store, id))
  const sealed = db.prepare<{ n: number }>('SELECT count(*) AS n FROM chunk_order').get()?.n ?? 0
  expect(sealed).toBeGreaterThanOrEqual(all.length)
  expect(chunks(db)).toBeLessThan(before.length / 2)
})

it('what is sealed meanwhile does not lose its place, and what is appended meanwhile comes', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const db = database(dataDir)
  const all = await Promise.all([1, 2, 3].map(() => started(store)))
  for (let n = 0; n < 800; n++) await Promise.all(all.map(({ run }) => store.append(run.id, [text(2000)], 2)))
  const rows = chunks(db)
  for (const each of all) each.run = await nextRun(store, each)
  const read: Told[] = []
  let place
  let wasSealing = false
  for (let n = 0; ; n++) {
    const page = await store.feed(place, undefined, 20_000)
    for (const batch of page.batches) read.push(...told(batch))
    place = page.next
    if (page.isLevel && isAtRest(db)) break
    wasSealing ||= chunks(db) < rows && !isAtRest(db)
    const run = all[n % 3]?.run
    if (run && n < 300) await store.append(run.id, [`"${n}"`], 2)
    await nextTick()
  }
  expect(wasSealing).toBe(true)
  for (const { id } of all) expect(linesOf(read, id)).toEqual(await allLines(store, id))
})

it('no place is given twice, also when the newest chunks are merged into older ones or removed', async () => {
  const dataDir = temporaryDir()
  let store = await temporaryStore(dataDir)
  const db = database(dataDir)
  const kept = await started(store)
  for (let round = 0; round < 4; round++) {
    const gone = await started(store)
    for (let n = 0; n < 20; n++) await store.append(gone.run.id, [text(1000)], 2)
    await store.endRun(gone.run.id, ['"end"'], 3)
    await expect.poll(() => isAtRest(db), PATIENCE).toBe(true)
    const { end, events } = await feedAfter(store, undefined)
    if (round % 2 === 1) expect(await store.deleteConversation(gone.id)).toEqual({ status: 'deleted' })
    await expect.poll(() => isAtRest(db), PATIENCE).toBe(true)
    if (round > 1) {
      await store.close()
      store = await temporaryStore(dataDir)
    }
    expect(await store.feedHead()).toEqual(end)
    await store.append(kept.run.id, [`"${round}"`], 2)
    for (const place of [end, events.at(-1)?.place]) {
      expect(await store.feedKnows(place ?? end)).toBe(true)
      expect((await feedAfter(store, place)).events).toMatchObject([{ conversation: kept.id, line: `"${round}"` }])
    }
  }
})

it('chunks that lie far apart in the feed stay apart, and those around any place are found', async () => {
  const dataDir = temporaryDir()
  const far = await openSqliteStore({ dataDir, log: silent })
  const { id, run } = await started(far)
  for (let n = 0; n < 10; n++) await far.append(run.id, [`"${n}"`], 2)
  const { events: early, end } = await feedAfter(far, undefined)
  await far.close()
  const db = database(dataDir)
  // as if others had written so much meanwhile
  db.exec(`UPDATE feed SET last = ${SPAN - 5}`)
  const store = await temporaryStore(dataDir)
  for (let n = 10; n < 20; n++) await store.append(run.id, [`"${n}"`], 2)
  await store.endRun(run.id, ['{}'], 3)
  await expect.poll(() => isAtRest(db), PATIENCE).toBe(true)
  const orders = db.prepare<{ k: number; last: number }>('SELECT k, last FROM chunk_order ORDER BY k').all()
  expect(orders).toEqual([
    { k: 1, last: SPAN },
    { k: SPAN + 1, last: SPAN + 6 },
  ])
  const late = (await feedAfter(store, end)).events
  for (const [n, { place }] of late.entries())
    expect((await feedAfter(store, place, [id])).events).toEqual(late.slice(n + 1))
  for (const [n, { place }] of early.entries())
    expect((await feedAfter(store, place, [id])).events).toEqual([...early.slice(n + 1), ...late])
})

it('the feed begins with what was stored before there was one, chunk by chunk', async () => {
  const dataDir = temporaryDir()
  const file = join(dataDir, 'claude-proxy.db')
  const old = connect(file)
  const folder = new URL('../../src/store/sqlite/migrations/', import.meta.url)
  const sql = (name: string) => ({
    version: Number.parseInt(name, 10),
    sql: readFileSync(new URL(name, folder), 'utf8'),
  })
  migrate(
    old,
    readdirSync(folder)
      .toSorted()
      .map(sql)
      .filter(({ version }) => version < 6),
  )
  old.exec(`
    INSERT INTO conversation (c, id, folder, cwd, head, created_at, updated_at) VALUES
      (1, 'a', '/a', '/a', 5, 1, 1), (2, 'b', '/b', '/b', 2, 1, 1);
    INSERT INTO chunk (k, c, first, n, at, lines) VALUES
      (3, 1, 1, 3, 1, '"a1"' || char(10) || '"a2"' || char(10) || '"a3"' || char(10)),
      (4, 2, 1, 1, 1, '"b1"' || char(10)), (9, 1, 4, 2, 1, '"a4"' || char(10) || '"a5"' || char(10)),
      (12, 2, 2, 1, 1, '"b2"' || char(10));
    INSERT INTO unsealed VALUES (1)`)
  old.close()

  const store = await temporaryStore(dataDir)
  await expect.poll(() => isAtRest(database(dataDir)), PATIENCE).toBe(true)
  const { events } = await feedAfter(store, undefined)
  expect(events.map(({ line }) => line)).toEqual(['"a1"', '"a2"', '"a3"', '"b1"', '"a4"', '"a5"', '"b2"'])
  const { run } = await started(store)
  for (const [n, { place }] of events.entries()) {
    expect(await store.feedKnows(place)).toBe(true)
    expect((await feedAfter(store, place)).events).toHaveLength(events.length - n)
  }
  await store.endRun(run.id, ['{}'], 1)
})

it('a place of another data directory is unknown, and so is one that a restored backup has never reached', async () => {
  const [dataDir, backup] = [temporaryDir(), temporaryDir()]
  const first = await openSqliteStore({ dataDir, log: silent })
  const { run } = await started(first)
  for (let n = 0; n < 10; n++) await first.append(run.id, ['{}'], 2)
  const { events: saved, end: head } = await feedAfter(first, undefined)
  await first.close()
  cpSync(dataDir, backup, { recursive: true })

  const gone = await openSqliteStore({ dataDir, log: silent })
  for (let n = 0; n < 10; n++) await gone.append(run.id, ['{"of":"the life that is lost"}'], 2)
  const { events: lost } = await feedAfter(gone, head)
  await gone.close()
  rmSync(dataDir, { recursive: true })
  cpSync(backup, dataDir, { recursive: true })

  const restored = await temporaryStore(dataDir)
  for (const more of [0, 5, 10, 20]) {
    for (let n = 0; n < more; n++) await restored.append(run.id, ['{"of":"this life"}'], 2)
    for (const { place } of lost) expect(await restored.feedKnows(place)).toBe(false)
    for (const { place } of saved) expect(await restored.feedKnows(place)).toBe(true)
    expect(await restored.feedKnows(head)).toBe(true)
  }
  const other = await temporaryStore()
  await started(other)
  for (const { place } of saved) expect(await other.feedKnows(place)).toBe(false)
})

it('refused work and starts without any leave no trace of a life', async () => {
  const dataDir = temporaryDir()
  const lives = () => database(dataDir).prepare('SELECT first FROM life').all().length
  for (let n = 0; n < 3; n++) {
    const store = await openSqliteStore({ dataDir, log: silent })
    await expect(store.setSession(fresh().id, 'session', 1)).rejects.toThrow()
    await store.close()
  }
  expect(lives()).toBe(1)
  const store = await temporaryStore(dataDir)
  for (let n = 0; n < 3; n++) await started(store)
  expect(lives()).toBe(2)
})

it('the order of commits survives being packed', () => {
  const commit = fc.tuple(fc.integer({ min: 1, max: SPAN }), fc.oneof(fc.integer({ min: 1, max: 3 }), fc.nat(1e6)))
  fc.assert(
    fc.property(fc.nat(2 ** 45), fc.array(commit, { minLength: 1 }), (first, steps) => {
      let k = first
      const ks = steps.map(([step], n) => (n === 0 ? first : (k += step)))
      const commits = { ks, counts: steps.map(([, count]) => count) }
      expect(unpackCommits(first, packCommits(commits))).toEqual(commits)
    }),
  )
})

async function nextRun(store: Store, { id, folder, run }: Awaited<ReturnType<typeof started>>) {
  await store.endRun(run.id, ['{}'], 3)
  const begun = await store.beginRun(newRun({ name: id, folder }))
  if (begun.status !== 'begun') throw new Error(`the next run is ${begun.status}`)
  return begun.run
}

function text(size: number): string {
  return JSON.stringify('x'.repeat(size))
}

function linesOf(events: readonly Told[], id: string): string[] {
  const own = events.filter(({ conversation }) => conversation === id)
  expect(own.map(({ number }) => number)).toEqual(own.map((_, n) => n + 1))
  return own.map(({ line }) => line)
}

function database(dataDir: string): Database {
  const db = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  return db
}

function chunks(db: Database): number {
  return db.prepare<{ n: number }>('SELECT count(*) AS n FROM chunk').get()?.n ?? 0
}

/** Nothing is left to be sealed or removed. */
function isAtRest(db: Database): boolean {
  return db.prepare('SELECT c FROM unsealed UNION ALL SELECT c FROM deletion').get() === undefined
}
