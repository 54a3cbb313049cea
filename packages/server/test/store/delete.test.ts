import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { allLines, fresh, newRun, started } from '../contract/samples.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

const LINE = JSON.stringify('x'.repeat(1000))
const LINES = 20_000

it('what a deletion frees goes back to the disk, and what is left is not touched', async () => {
  const { store, dataDir, db } = await storeAndDatabase()
  const [kept, ...deleted] = await Promise.all([1, 2, 3, 4].map(() => large(store)))
  if (kept === undefined) throw new Error('there is no conversation to keep')
  for (const id of deleted) expect(await store.deleteConversation(id)).toEqual({ status: 'deleted' })
  const file = join(dataDir, 'claude-proxy.db')
  const onDisk = () => statSync(file).size + statSync(`${file}-wal`).size
  const bytes = LINES * (LINE.length + 1)
  await expect.poll(onDisk, { timeout: 20_000 }).toBeLessThan(bytes * 1.1 + 512 * 1024)
  expect(await allLines(store, kept, 1_000_000)).toHaveLength(LINES)
  expectOrder(db)
})

it('appends go on between the steps in which a large conversation is removed', async () => {
  const { store, db } = await storeAndDatabase()
  const id = await large(store)
  const { id: other, run } = await started(store)
  const of = db.prepare<{ c: number }>('SELECT c FROM conversation WHERE id = ?')
  const left = db.prepare<{ n: number }>('SELECT count(*) AS n FROM chunk WHERE c = ?')
  const c = of.get(id)?.c ?? 0
  await store.deleteConversation(id)
  const seen: number[] = []
  while (seen.at(-1) !== 0) {
    await store.append(run.id, ['{}'], 2)
    seen.push(left.get(c)?.n ?? 0)
    // The writer has time for a step only when nobody asks for anything.
    await setTimeout(1)
  }
  expect(new Set(seen).size).toBeGreaterThan(10)
  expect(await allLines(store, other)).toHaveLength(1 + seen.length)
})

it('a deletion that was cut short goes on with the next start', async () => {
  const { store, dataDir, db } = await storeAndDatabase()
  const id = await large(store)
  await store.deleteConversation(id)
  await store.close()
  expect(chunks(db)).toBeGreaterThan(10)
  const again = await temporaryStore(dataDir)
  expect(await again.conversation(id)).toBeUndefined()
  expect(await again.page(id, 0, 1000)).toMatchObject({ count: 0 })
  await expect.poll(() => chunks(db), { timeout: 20_000 }).toBe(0)
  await expect.poll(() => isDone(db)).toBe(true)
  const begun = again.beginRun(newRun({ name: id, folder: fresh().folder }))
  await expect(begun).rejects.toMatchObject({ code: 'conversation_unknown' })
  expectOrder(db)
})

it('the sums of what deleted conversations used lose their conversations, and nothing else', async () => {
  const { store, db } = await storeAndDatabase()
  const { id, folder, run } = await started(store)
  const use = (costUsd?: number) => [
    { model: 'm', inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheCreationTokens: 4, costUsd },
  ]
  const first = await started(store)
  await store.endRun(first.run.id, ['{}'], 900_000, { outcome: 'success', usage: use(1), facts: {} })
  await store.endRun(run.id, ['{}'], 900_000, { outcome: 'success', usage: use(), facts: {} })
  // More than one step removes.
  for (let n = 2; n < 600; n++) {
    const next = newRun({ name: id, folder })
    await store.beginRun(next)
    await store.endRun(next.id, ['{}'], 900_000 * n, { outcome: 'interrupted', usage: use(0.5), facts: {} })
  }
  const query = { by: 'folder', periods: [{ from: 0, to: 900_000 * 600 }], limit: 10 } as const
  const before = await store.usage(query)
  for (const each of [id, first.id]) expect(await store.deleteConversation(each)).toEqual({ status: 'deleted' })
  expect(await store.usage(query)).toEqual(before)
  await expect.poll(() => isDone(db), { timeout: 20_000 }).toBe(true)
  expect(await store.usage(query)).toEqual(before)
  expect(db.prepare('SELECT DISTINCT c FROM used').all()).toEqual([{ c: 0 }])
})

it('a conversation that is just being sealed can be deleted, and the others are sealed all the same', async () => {
  const { store, db } = await storeAndDatabase()
  const all = await Promise.all([1, 2, 3].map(() => started(store)))
  for (let n = 0; n < 1500; n++) await Promise.all(all.map(({ run }) => store.append(run.id, [LINE], 2)))
  const [a, b, c] = all
  if (!a || !b || !c) throw new Error('there are not three conversations')
  for (const { run } of all) await store.endRun(run.id, ['{}'], 3)
  // In the middle of it: some of the small rows are merged by now.
  await expect.poll(() => chunks(db)).toBeLessThan(4500)
  await Promise.all([a, c].map(({ id }) => store.deleteConversation(id)))
  await expect.poll(() => isDone(db), { timeout: 20_000 }).toBe(true)
  expect(await allLines(store, b.id)).toHaveLength(1502)
  expect(chunks(db)).toBeLessThan(15)
  expectOrder(db)
})

it('a conversation that begins while the newest one is being removed keeps its events', async () => {
  const { store, db } = await storeAndDatabase()
  const id = await large(store)
  await store.deleteConversation(id)
  const next = await started(store)
  await store.append(next.run.id, ['{"n":2}', '{"n":3}'], 2)
  await expect.poll(() => isDone(db), { timeout: 20_000 }).toBe(true)
  const { id: later } = await started(store)
  expect(await allLines(store, next.id)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}'])
  expect(await allLines(store, later)).toEqual(['{"n":1}'])
})

async function storeAndDatabase(): Promise<{ store: Store; dataDir: string; db: Database }> {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const db = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  return { store, dataDir, db }
}

/** A conversation of 20 MB. */
async function large(store: Store): Promise<ConversationId> {
  const { id, folder } = fresh()
  const facts = { group: undefined, sessionId: undefined, createdAt: 1, updatedAt: 1, canonical: true }
  const lines = Array<string>(LINES).fill(LINE)
  await store.importConversation({ id, folder, cwd: folder, lines, ...facts })
  return id
}

function chunks(db: Database): number {
  return db.prepare<{ n: number }>('SELECT count(*) AS n FROM chunk').get()?.n ?? 0
}

/** Nothing is left to be sealed or removed. */
function isDone(db: Database): boolean {
  return db.prepare('SELECT c FROM unsealed UNION ALL SELECT c FROM deletion').get() === undefined
}

function expectOrder(db: Database): void {
  expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([])
}
