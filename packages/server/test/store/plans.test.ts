import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readConversations } from '../../src/store/sqlite/conversations.ts'
import { removing } from '../../src/store/sqlite/delete.ts'
import { readEvents } from '../../src/store/sqlite/events.ts'
import { connect, prepareDatabase, type Database } from '../../src/store/sqlite/open.ts'
import { writerOperations } from '../../src/store/sqlite/operations.ts'
import { sealing } from '../../src/store/sqlite/seal.ts'
import { temporaryDir } from './temporary.ts'

it('no statement looks through a whole table, but for the small ones that are meant to be listed', () => {
  const file = join(temporaryDir(), 'test.db')
  prepareDatabase(file)
  const db = connect(file)
  onTestFinished(() => db.close())
  const scans = statements(db).flatMap((sql) => plan(db, sql).filter((step) => step.startsWith('SCAN')))
  // the lists of what is open, pending, to be told, kept for good, to be sealed and removed
  const lists = [
    'SCAN run USING INDEX run_open',
    'SCAN approval USING INDEX approval_pending',
    'SCAN approval USING INDEX approval_carried',
    'SCAN approval_rule USING INDEX approval_rule_conversation',
    'SCAN prompt USING COVERING INDEX prompt_queued',
    'SCAN prompt USING INDEX prompt_steering',
    'SCAN unsealed',
    'SCAN deletion',
  ]
  expect(new Set(scans)).toEqual(new Set(lists))
})

/** Every statement that the store prepares. */
function statements(db: Database): string[] {
  const seen: string[] = []
  const listening: Database = {
    ...db,
    prepare: (sql) => {
      seen.push(sql)
      return db.prepare(sql)
    },
  }
  readConversations(listening)
  readEvents(listening)
  writerOperations(listening)
  sealing(listening)
  removing(listening)
  return seen
}

function plan(db: Database, sql: string): string[] {
  return db
    .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => detail)
}
