import type { ConversationId } from '@claude-proxy/protocol/ids'
import { skipLines } from '@claude-proxy/protocol/frames'
import type { StoredPage } from '../../core/ports/event.ts'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'
import { ROW, type Piece } from './pieces.ts'
import { takePlaces } from './places.ts'
import { writePositions } from './positions.ts'

/** Reading the log of a conversation. */
export function readEvents(db: Database) {
  const byId = db.prepare<{ c: number; head: number }>('SELECT c, head FROM conversation WHERE id = ?')
  // One statement is one snapshot: sealing may move the rows before and after it, not under it.
  // What is young follows what is settled, and each lies in order.
  const rows = db.prepare<{ first: number; n: number; lines: Uint8Array }>(`
    ${rowsFrom(0)} AND NOT EXISTS (SELECT 1 FROM position WHERE young = 1 AND c = ?1 AND first <= ?2)
    UNION ALL ${rowsFrom(1)}`)

  return {
    page(conversation: ConversationId, position: number, atMostBytes: number): StoredPage {
      const after = Math.max(0, position)
      const found = byId.get(conversation)
      // a huge `after` (a stranger's Last-Event-ID) ends here
      if (found === undefined || after >= found.head)
        return { first: after + 1, count: 0, lines: new Uint8Array(), head: found?.head ?? 0 }
      const parts: Uint8Array[] = []
      let bytes = 0
      let count = 0
      for (const row of rows.iterate(found.c, after + 1)) {
        // It was deleted after the first look, and what begins here is already removed.
        if (row.first > after + count + 1) break
        const skipped = Math.max(0, after + 1 - row.first)
        const lines =
          skipped === 0 ? row.lines : row.lines.subarray(skipLines({ lines: row.lines, count: row.n }, skipped))
        if (count > 0 && bytes + lines.length > atMostBytes) break
        parts.push(lines)
        bytes += lines.length
        count += row.n - skipped
        // rows are often alike: do not read another 256 KB only to find that it does not fit
        if (bytes + lines.length > atMostBytes) break
      }
      const [only] = parts
      return {
        first: after + 1,
        count,
        lines: parts.length === 1 && only ? only : Buffer.concat(parts, bytes),
        isOwn: true,
        // Events may have come between the two looks.
        head: Math.max(found.head, after + count),
      }
    },
  }
}

/** The rows from the one on that holds event ?2 of conversation ?1, of those that are young or of the others. */
const rowsFrom = (young: 0 | 1) => `
  SELECT position.first, n, CAST(lines AS BLOB) AS lines FROM position CROSS JOIN chunk USING (k)
  WHERE young = ${young} AND position.c = ?1 AND position.first >= coalesce((
    SELECT first FROM position WHERE young = ${young} AND c = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1
  ), 0)`

export type EventWrites = ReturnType<typeof writeEvents>

/**
 * Appending to conversations within one transaction. Numbers are taken at once, rows are made by `flush`: what a
 * transaction stores of one conversation becomes one row, or a few if it is much.
 */
export function writeEvents(db: Database) {
  // two statements: together faster than one with RETURNING, and nobody else writes between them
  const head = db.prepare<{ head: number }>('SELECT head FROM conversation WHERE c = ?')
  const setHead = db.prepare('UPDATE conversation SET head = ?, updated_at = ? WHERE c = ?')
  const insert = db.prepare('INSERT INTO chunk (k, c, first, n, at, lines) VALUES (?, ?, ?, ?, ?, ?)')
  const places = takePlaces(db)
  const positions = writePositions(db)
  let waiting: Waiting[] = []

  return {
    append(c: number, lines: readonly Piece[], at: number): { first: number; last: number } {
      const before = certain(head.get(c), 'the conversation of events').head
      let last = before
      for (const { text, count: n } of lines) {
        waiting.push({ c, first: last + 1, n, at, text })
        last += n
      }
      setHead.run(last, at, c)
      return { first: before + 1, last }
    },

    /** Makes rows of everything that was appended since the last flush. */
    flush(): void {
      const open = new Map<number, Waiting>()
      for (const next of waiting) {
        const row = open.get(next.c)
        if (row !== undefined && fits(row, next)) {
          row.text += next.text
          row.n += next.n
          row.at = next.at
        } else {
          if (row !== undefined) store(row)
          open.set(next.c, next)
        }
      }
      for (const row of open.values()) store(row)
      waiting = []
      positions.settle()
    },

    /** How much waits for `flush`: a mark for `forget`. */
    mark: () => waiting.length,
    /** Forgets what was appended after the mark, because its operation was rolled back. */
    forget(mark: number): void {
      waiting.length = mark
    },
    /** Forgets all of it: the transaction was given up. */
    giveUp(): void {
      waiting = []
      places.forget()
      positions.forget()
    },
  }

  function store({ c, first, n, at, text }: Waiting): void {
    const k = places.next()
    insert.run(k, c, first, n, at, text)
    positions.add(c, first, k)
  }
}

interface Waiting {
  readonly c: number
  readonly first: number
  n: number
  at: number
  text: string
}

function fits(row: Waiting, next: Waiting): boolean {
  return row.n + next.n <= ROW.lines && row.text.length + next.text.length <= ROW.chars
}
