import type { Conversation, ConversationFilter } from '../../core/ports/conversation.ts'
import { type ConversationRow, toConversation } from './conversations.ts'
import { isBelow } from './below.ts'
import type { Database, Statement, Value } from './open.ts'

/**
 * Lists conversations by any mix of filters, newest activity first. It goes through what the filter that names the
 * fewest leads to, in the order of the list where an index has that, and holds each row against the others.
 */
export function listConversations(db: Database) {
  const byId = db.prepare<{ c: number }>('SELECT c FROM conversation WHERE id = ?')
  const prepared = new Map<string, Statement<ConversationRow>>()

  return (filter: ConversationFilter): Conversation[] => {
    const { before, limit } = filter
    const { from, values: named, order } = sourceOf(filter)
    const conditions = conditionsOf(filter)
    const sql = `
      SELECT conversation.* FROM ${from}
      WHERE ${['conversation.deleted = 0', ...conditions.map((each) => each.sql)].join(' AND ')}
        AND (${order}.active_at, ${order}.c) < (?, ?)
      ORDER BY ${order}.active_at DESC, ${order}.c DESC LIMIT ?`
    const statement = prepared.get(sql) ?? db.prepare<ConversationRow>(sql)
    prepared.set(sql, statement)
    const c = before && (byId.get(before.id)?.c ?? 0)
    const values = [...named, ...conditions.flatMap((each) => each.values)]
    return statement.all(...values, before?.activeAt ?? LAST, c ?? LAST, limit).map((row) => toConversation(row))
  }
}

/** Larger than any time and any key. */
const LAST = Number.MAX_SAFE_INTEGER

interface Source {
  /** `CROSS JOIN` and `INDEXED BY` take the choice from SQLite: it has no statistics of these tables. */
  readonly from: string
  readonly values: readonly Value[]
  /** The table whose index has the order of the list; else what is found is sorted. */
  readonly order: 'conversation' | 'tagged'
}

/** Where to begin: with what is named, or under way, of which there is little, else with a tag, else with an index of the list. */
function sourceOf({ folder, isArchived, tag, state, among }: ConversationFilter): Source {
  if (among !== undefined) return { from: NAMED, values: [JSON.stringify(among)], order: 'conversation' }
  if (state === 'waiting') return by(`(${WAITING}) AS open CROSS JOIN conversation USING (c)`)
  if (state === 'running') return by(`(${RUNNING}) AS open CROSS JOIN conversation USING (c)`)
  if (tag !== undefined) return by('tagged CROSS JOIN conversation USING (c)', 'tagged')
  const [all, putAway] = folder === undefined ? ['active', 'archived'] : ['folder', 'folder_archived']
  return by(`conversation INDEXED BY conversation_${isArchived === true ? putAway : all}`)
}

function by(from: string, order: Source['order'] = 'conversation'): Source {
  return { from, values: [], order }
}

const NAMED = 'json_each(?) AS named CROSS JOIN conversation ON conversation.id = named.value'
const WAITING = "SELECT DISTINCT c FROM approval INDEXED BY approval_pending WHERE state = 'pending'"
const RUNNING = "SELECT c FROM run INDEXED BY run_open WHERE state <> 'ended'"
const IS_WAITING = "EXISTS (SELECT 1 FROM approval WHERE approval.c = conversation.c AND approval.state = 'pending')"
const IS_RUNNING = `EXISTS (SELECT 1 FROM run INDEXED BY run_open
  WHERE run.folder = conversation.folder AND run.state <> 'ended' AND run.c = conversation.c)`

const IS_TAGGED = 'EXISTS (SELECT 1 FROM tagged WHERE tagged.c = conversation.c AND tagged.tag = ?)'

interface Condition {
  readonly sql: string
  readonly values: readonly Value[]
}

function conditionsOf(filter: ConversationFilter): Condition[] {
  const { folder, isArchived, tag, state, within } = filter
  const all: Condition[] = []
  if (folder !== undefined) all.push({ sql: 'conversation.folder = ?', values: [folder] })
  if (within !== undefined) all.push({ sql: isBelow('conversation.folder'), values: [JSON.stringify(within)] })
  // Written out: the index of those put away is only for who asks for just them.
  if (isArchived !== undefined) all.push({ sql: `conversation.archived = ${isArchived ? 1 : 0}`, values: [] })
  if (state === 'waiting') all.push({ sql: IS_WAITING, values: [] })
  if (state === 'running') all.push({ sql: `${IS_RUNNING} AND NOT ${IS_WAITING}`, values: [] })
  if (state === 'idle') all.push({ sql: `NOT ${IS_WAITING} AND NOT ${IS_RUNNING}`, values: [] })
  if (tag !== undefined)
    all.push({ sql: sourceOf(filter).order === 'tagged' ? 'tagged.tag = ?' : IS_TAGGED, values: [tag] })
  return all
}
