import type { ConversationId } from '@claude-proxy/protocol/ids'
import { certain } from '../../../core/certain.ts'
import type { Page } from '../../../core/ports/event.ts'
import type { Found, Looked } from '../../../core/ports/search.ts'
import type { Query } from '../../../core/search/query.ts'
import { searchTexts } from '../../../core/search/text.ts'
import { wordsOf } from '../../../core/search/words.ts'
import type { readEvents } from '../events.ts'
import type { Database, Value } from '../open.ts'
import { inTransaction } from '../transaction.ts'
import { toMatch } from './match.ts'
import { bounds, conversationOf, LAST_NUMBER, numberOf, rowOf } from './rows.ts'
import { readWords } from './vocabulary.ts'

interface Row {
  readonly row: number
  readonly words: string
}

interface Known {
  readonly s: number
  readonly id: ConversationId
  readonly up_to: number
}

/** After so many looks of so many rows, a query is one that is found nearly everywhere. Rows are cheap, looks are not. */
const LOOK = { rows: 4000, times: 8 }
/** As many rows are gone through rather than to look once more. */
const AT_ONCE = 20_000
/** What is read of a conversation at once. */
const PAGE_BYTES = 256 * 1024
/** How much one step deletes or merges (in pages): whoever searches meanwhile waits for it. */
const STEP = { rows: 500, pages: 100 }

export type IndexOperations = ReturnType<typeof indexOperations>

/**
 * Everything that can be asked of the index. Keys go in as integers (`CAST`): the driver binds numbers as doubles, and FTS5
 * passes over a bound that is none.
 */
export function indexOperations(db: Database, events: ReturnType<typeof readEvents>) {
  const all = db.prepare<Known>('SELECT s, id, up_to FROM conversation')
  const byId = db.prepare<Known>('SELECT s, id, up_to FROM conversation WHERE id = ?')
  const byKey = db.prepare<Known>('SELECT s, id, up_to FROM conversation WHERE s = ?')
  const create = db.prepare<Known>('INSERT INTO conversation (id, up_to) VALUES (?, 0) RETURNING s, id, up_to')
  const setUpTo = command(db, 'UPDATE conversation SET up_to = ? WHERE s = ?')
  const insert = command(db, 'INSERT INTO event (rowid, words) VALUES (CAST(? AS INTEGER), ?)')
  const next = db.prepare<{ row: number }>(`
    SELECT rowid AS row FROM event WHERE event MATCH ? AND rowid > CAST(? AS INTEGER) AND rowid < CAST(? AS INTEGER)
    ORDER BY rowid LIMIT ?`)

  const wordsFrom = readWords(db)
  const forgotten = forgetting(db)
  /** Who catches up knows what is here: an index that was made anew lacks what nobody would tell of again. */
  let isKnown = false

  function catchUp(conversations: readonly ConversationId[], atMostBytes: number): Looked[] {
    const looked: Looked[] = []
    const rows: Row[] = []
    let bytes = 0
    for (const conversation of conversations) {
      const known = byId.get(conversation)
      const upTo = known?.up_to ?? 0
      const page = events.page(conversation, upTo, PAGE_BYTES)
      const isOther = page.head < upTo
      if (isOther) forgotten.forget(conversation)
      else if (page.count > 0) rows.push(...take(known ?? certain(create.get(conversation), 'the conversation'), page))
      looked.push({ conversation, isLevel: page.head === (isOther ? 0 : upTo + page.count) })
      bytes += page.lines.length
      if (bytes >= atMostBytes) break
    }
    // FTS5 writes out what it has gathered whenever a row comes before the last one.
    for (const { row, words } of rows.toSorted((a, b) => a.row - b.row)) insert(row, words)
    return looked
  }

  function take(known: Known, page: Page): Row[] {
    setUpTo(known.up_to + page.count, known.s)
    const rows: Row[] = []
    for (const { number, text } of searchTexts(page)) {
      if (number > LAST_NUMBER) break
      const words = Array.from(wordsOf(text), ({ word }) => word).join(' ')
      rows.push({ row: rowOf(known.s, number), words })
    }
    return rows
  }

  /** What the rows are, by conversation: at most `each` of one, which are the first of it. */
  function grouped(rows: readonly { row: number }[], each: number, into = new Map<number, number[]>()) {
    for (const { row } of rows) {
      const s = conversationOf(row)
      const numbers = into.get(s)
      if (numbers === undefined) into.set(s, [numberOf(row)])
      else if (numbers.length < each) numbers.push(numberOf(row))
    }
    return into
  }

  /** What is found in any of these, with one look at all between the first and the last; undefined where that is too much. */
  function atOnce(match: string, among: readonly Known[], each: number): Found[] | undefined {
    const keys = among.map(({ s }) => s)
    if (keys.length === 0) return []
    const [first, last] = [bounds(Math.min(...keys)), bounds(Math.max(...keys))]
    const rows = next.all(match, first.above, last.below, AT_ONCE)
    if (rows.length === AT_ONCE) return undefined
    const groups = grouped(rows, each)
    return among.flatMap(({ s, id }) => {
      const numbers = groups.get(s)
      return numbers ? [{ conversation: id, numbers }] : []
    })
  }

  function named(groups: ReadonlyMap<number, readonly number[]>): Found[] {
    return [...groups].flatMap(([s, numbers]) => {
      const known = byKey.get(s)
      return known ? [{ conversation: known.id, numbers }] : []
    })
  }

  return {
    positions(): Map<ConversationId, number> {
      isKnown = true
      return new Map(all.all().map(({ id, up_to }) => [id, up_to]))
    },

    catchUp({
      conversations,
      atMostBytes,
    }: {
      conversations: readonly ConversationId[]
      atMostBytes: number
    }): Looked[] {
      if (!isKnown) throw new Error('the index may have lost what it had; ask for its positions')
      return inTransaction(db, () => catchUp(conversations, atMostBytes))
    },

    everywhere({ query, each }: { query: Query; each: number }): Found[] | undefined {
      const { text: match } = toMatch(query, wordsFrom)
      const groups = new Map<number, number[]>()
      let after = 0
      for (let looks = 0; looks < LOOK.times; looks++) {
        const rows = next.all(match, after, Number.MAX_SAFE_INTEGER, LOOK.rows)
        grouped(rows, each, groups)
        const last = rows.at(-1)
        if (last === undefined || rows.length < LOOK.rows) return named(groups)
        const s = conversationOf(last.row)
        // Enough of this one: on to the next.
        after = (groups.get(s)?.length ?? 0) < each ? last.row : bounds(s).below - 1
      }
      return undefined
    },

    within({ query, conversations, each, before }: Within): Found[] {
      const { text: match, isGathered } = toMatch(query, wordsFrom)
      const known = conversations.flatMap((conversation) => byId.get(conversation) ?? [])
      const together = before === undefined && isGathered ? atOnce(match, known, each) : undefined
      if (together) return together
      return known.flatMap(({ s, id }) => {
        const { above, below } = bounds(s)
        const isFirst = id === conversations[0] && before !== undefined && before <= LAST_NUMBER
        const numbers = next.all(match, isFirst ? rowOf(s, before) : above, below, each).map(({ row }) => numberOf(row))
        return numbers.length === 0 ? [] : [{ conversation: id, numbers }]
      })
    },

    tidy: () => forgotten.tidy(),
  }
}

/**
 * A statement that changes something. It is asked as if it were a question: after a deletion FTS5 leaves as the last row's
 * id one that is too large for the driver's answer to a command, whichever that is.
 */
function command(db: Database, sql: string): (...values: Value[]) => void {
  const statement = db.prepare(sql)
  return (...values) => void statement.all(...values)
}

interface Within {
  readonly query: Query
  readonly conversations: readonly ConversationId[]
  readonly each: number
  readonly before?: number | undefined
}

/**
 * Forgetting conversations. Out of reach at once, with their names. Their rows are then deleted, which FTS5 only notes; the
 * words themselves go when what they lie in is merged. All that is a little at a time, and goes on after a restart.
 */
function forgetting(db: Database) {
  const note = command(db, 'INSERT INTO forgotten (s) SELECT s FROM conversation WHERE id = ?')
  const drop = command(db, 'DELETE FROM conversation WHERE id = ?')
  const due = db.prepare<{ s: number }>('SELECT s FROM forgotten LIMIT 1')
  const finish = command(db, 'DELETE FROM forgotten WHERE s = ?')
  const rows = db.prepare<{ row: number }>(`
    SELECT rowid AS row FROM event WHERE rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER) LIMIT ${STEP.rows}`)
  const dropRow = command(db, 'DELETE FROM event WHERE rowid = CAST(? AS INTEGER)')
  const merge = command(db, "INSERT INTO event (event, rank) VALUES ('merge', ?)")
  const changes = db.prepare<{ n: number }>('SELECT total_changes() AS n')
  const noteRemains = command(db, 'INSERT OR IGNORE INTO remains (since) VALUES (1)')
  const remains = db.prepare('SELECT 1 FROM remains')
  const nothingRemains = command(db, 'DELETE FROM remains')
  let isMerging = false

  function dropSome(s: number): void {
    const { above, below } = bounds(s)
    const some = rows.all(above + 1, below - 1)
    for (const { row } of some) dropRow(row)
    noteRemains()
    if (some.length < STEP.rows) finish(s)
    // What was merged so far holds rows that are deleted only now.
    isMerging = false
  }

  /** Whether there was anything to merge. */
  function mergeSome(): boolean {
    const before = changes.get()?.n ?? 0
    // A negative number begins with everything, a positive one goes on with it (sqlite.org/fts5.html, 6.8).
    merge(isMerging ? STEP.pages : -STEP.pages)
    isMerging = true
    return (changes.get()?.n ?? 0) - before >= 2
  }

  return {
    /** Within a transaction. */
    forget(conversation: ConversationId): void {
      note(conversation)
      drop(conversation)
    },

    tidy(): boolean {
      const next = due.get()
      if (next !== undefined) inTransaction(db, () => dropSome(next.s))
      else if (remains.get() === undefined) return false
      else if (!mergeSome()) {
        nothingRemains()
        isMerging = false
        db.exec('PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)')
        return false
      }
      return true
    },
  }
}
