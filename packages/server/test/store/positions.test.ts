import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { readEvents } from '../../src/store/sqlite/events.ts'
import { integrityOf } from '../../src/store/sqlite/integrity.ts'
import { connect, type Database } from '../../src/store/sqlite/open.ts'
import { allLines, linesOf, started } from '../contract/samples.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

const YOUNG = 2048
const TOGETHER = 128

it('the newest positions of all conversations lie together, and only so many of them', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const db = database(dataDir)
  const runs = await Promise.all(Array.from({ length: 40 }, () => started(store)))
  for (let turn = 2; turn <= 90; turn++)
    await Promise.all(runs.map(({ run }) => store.append(run.id, [`{"n":${turn}}`], turn)))
  expectYoung(db, 40 * 90)
  for (const { id } of runs) await expectNumbers(store, id, 90)
  expect((await integrityOf(dataDir)).findings).toEqual([])
})

it('one conversation with more than that is read from any place, young or not', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, run } = await started(store)
  const last = YOUNG + 500
  for (let n = 2; n <= last; n++) await store.append(run.id, [`{"n":${n}}`], n)
  expectYoung(database(dataDir), last)
  await expectNumbers(store, id, last)
  for (let after = 0; after < last; after += 97)
    expect(linesOf(await store.page(id, after, 200))[0], `after ${after}`).toBe(`{"n":${after + 1}}`)
})

it('a writer that starts anew counts what is young already', async () => {
  const dataDir = temporaryDir()
  const first = await temporaryStore(dataDir)
  const { id, run } = await started(first)
  for (let n = 2; n <= YOUNG; n++) await first.append(run.id, [`{"n":${n}}`], n)
  await first.close()
  const store = await temporaryStore(dataDir)
  const db = database(dataDir)
  for (let n = YOUNG + 1; n <= YOUNG + 100; n++) await store.append(run.id, [`{"n":${n}}`], n)
  expectYoung(db, YOUNG + 100)
  await expectNumbers(store, id, YOUNG + 100)
})

it('a page of what is deleted and removed while it is read has nothing of another place', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, run } = await started(store)
  for (let n = 2; n <= 9; n++) await store.append(run.id, [`{"n":${n}}`], n)
  const db = database(dataDir)
  const remover = connect(join(dataDir, 'claude-proxy.db'))
  onTestFinished(() => remover.close())
  let isRemoved = false
  const amid: Database = Object.assign(Object.create(db), {
    prepare(sql: string) {
      const statement = db.prepare(sql)
      const iterate = statement.iterate.bind(statement)
      return Object.assign(statement, {
        iterate(...values: Parameters<typeof iterate>) {
          remover.exec('DELETE FROM chunk WHERE first < 4; DELETE FROM position WHERE first < 4')
          isRemoved = true
          return iterate(...values)
        },
      })
    },
  })
  expect(linesOf(readEvents(amid).page(id, 1, 1000))).toEqual([])
  expect(isRemoved).toBe(true)
})

async function expectNumbers(store: Store, id: ConversationId, last: number): Promise<void> {
  const numbers = (await allLines(store, id)).map((line) => JSON.parse(line).n)
  expect(numbers).toEqual(Array.from({ length: last }, (_, index) => index + 1))
}

/** As many as may be are young; fewer by what is settled of one conversation together. */
function expectYoung(db: Database, ofAll: number): void {
  const found = db.prepare<Counted>('SELECT sum(young) AS young, count(*) AS "all" FROM position').get()
  expect(found?.all).toBe(ofAll)
  expect(found?.young).toBeLessThanOrEqual(YOUNG)
  expect(found?.young).toBeGreaterThan(YOUNG - TOGETHER)
}

interface Counted {
  readonly young: number
  readonly all: number
}

function database(dataDir: string): Database {
  const db = connect(join(dataDir, 'claude-proxy.db'), true)
  onTestFinished(() => db.close())
  return db
}
