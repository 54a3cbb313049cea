import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { ConversationFilter } from '../../src/core/ports/conversation.ts'
import { readAccess } from '../../src/store/sqlite/access.ts'
import { readAttachments } from '../../src/store/sqlite/attachments.ts'
import { readAccounts } from '../../src/store/sqlite/accounts.ts'
import { readConversations } from '../../src/store/sqlite/conversations.ts'
import { removing } from '../../src/store/sqlite/delete.ts'
import { readEvents } from '../../src/store/sqlite/events.ts'
import { readLoad } from '../../src/store/sqlite/load.ts'
import { listConversations } from '../../src/store/sqlite/listing.ts'
import { readFeed } from '../../src/store/sqlite/feed.ts'
import { connect, prepareDatabase, type Database } from '../../src/store/sqlite/open.ts'
import { writerOperations } from '../../src/store/sqlite/operations.ts'
import { sealing } from '../../src/store/sqlite/seal.ts'
import { readRetention } from '../../src/store/sqlite/retention.ts'
import { readUsage } from '../../src/store/sqlite/usage.ts'
import { temporaryDir } from './temporary.ts'

const FOLDER = '/folder' as Folder

it('no statement looks through a whole table, but for the small ones that are meant to be listed', () => {
  const db = database()
  const scans = statements(db).flatMap((sql) => plan(db, sql).filter((step) => step.startsWith('SCAN')))
  // the lists of what is open, pending, to be told, kept for good, to be sealed and removed, and one that a caller gives
  const lists = [
    'SCAN run USING INDEX run_open',
    'SCAN approval USING INDEX approval_pending',
    'SCAN approval USING INDEX approval_carried',
    'SCAN approval_rule USING INDEX approval_rule_conversation',
    'SCAN prompt USING COVERING INDEX prompt_queued',
    'SCAN prompt USING INDEX prompt_steering',
    'SCAN unsealed',
    'SCAN deletion',
    'SCAN token',
    // the folders that somebody may see
    'SCAN root EXISTS VIRTUAL TABLE INDEX 1:',
    'SCAN root VIRTUAL TABLE INDEX 1:',
    // the periods that sums are asked for
    'SCAN period VIRTUAL TABLE INDEX 1:',
    // how much all of it is, once an hour where somebody wants to keep no more than that
    'SCAN attachment',
    'SCAN pragma_freelist_count VIRTUAL TABLE INDEX 0:',
    'SCAN pragma_page_count VIRTUAL TABLE INDEX 0:',
    'SCAN pragma_page_size VIRTUAL TABLE INDEX 0:',
    // what might refer to a new conversation already: never walked, as nothing does (foreign keys are held at once)
    'SCAN chunk',
    // the result of a look into a list above
    'SCAN open',
    'SCAN json_each VIRTUAL TABLE INDEX 1:',
  ]
  expect(new Set(scans)).toEqual(new Set(lists))
})

it.each<[Omit<ConversationFilter, 'limit'>, string]>([
  [{}, 'SEARCH conversation USING INDEX conversation_active (active_at<?)'],
  [{ state: 'idle' }, 'SEARCH conversation USING INDEX conversation_active (active_at<?)'],
  [{ isArchived: true }, 'SEARCH conversation USING INDEX conversation_archived (active_at<?)'],
  [{ folder: FOLDER }, 'SEARCH conversation USING INDEX conversation_folder (folder=? AND active_at<?)'],
  [
    { folder: FOLDER, isArchived: true },
    'SEARCH conversation USING INDEX conversation_folder_archived (folder=? AND active_at<?)',
  ],
  [{ tag: 'a', folder: FOLDER }, 'SEARCH tagged USING COVERING INDEX tagged_newest (tag=? AND (active_at,c)<(?,?))'],
  [{ state: 'running', tag: 'a' }, 'SCAN run USING INDEX run_open'],
  [{ state: 'waiting', folder: FOLDER }, 'SCAN approval USING INDEX approval_pending'],
])('a list of %o begins where its narrowest filter leads, and sorts only what is under way', (filter, first) => {
  const db = database()
  const [sql = ''] = recorded(db, (listening) => listConversations(listening)({ limit: 1, ...filter })).slice(-1)
  const steps = plan(db, sql).filter((step) => !step.startsWith('CO-ROUTINE'))
  expect(steps[0]).toBe(first)
  expect(steps.includes('USE TEMP B-TREE FOR ORDER BY')).toBe(filter.state === 'running' || filter.state === 'waiting')
})

/** Every statement that the store prepares. */
function statements(db: Database): string[] {
  return [
    ...recorded(db, (listening) => {
      readConversations(listening)
      readAccounts(listening)
      readUsage(listening)
      readRetention(listening)
      readEvents(listening)
      readAttachments(listening)
      readFeed(listening)
      readAccess(listening)
      readLoad(listening)
      writerOperations(listening)
      sealing(listening)
      removing(listening)
    }),
    ...listStatements(db),
  ]
}

/** The statements for all mixes of filters. */
function listStatements(db: Database): string[] {
  return recorded(db, (listening) => {
    const list = listConversations(listening)
    for (const folder of [undefined, FOLDER])
      for (const isArchived of [undefined, false, true])
        for (const tag of [undefined, 'tag'])
          for (const state of [undefined, 'idle', 'running', 'waiting'] as const)
            list({ folder, isArchived, tag, state, limit: 1 })
  })
}

/** What is prepared meanwhile. */
function recorded(db: Database, work: (listening: Database) => void): string[] {
  const seen: string[] = []
  work({
    ...db,
    prepare: (sql) => {
      seen.push(sql)
      return db.prepare(sql)
    },
  })
  return seen
}

function plan(db: Database, sql: string): string[] {
  return db
    .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => detail)
}

function database(): Database {
  const file = join(temporaryDir(), 'test.db')
  prepareDatabase(file)
  const db = connect(file)
  onTestFinished(() => db.close())
  return db
}
