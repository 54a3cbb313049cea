import type { Database } from './open.ts'
import { inTransaction } from './transaction.ts'

/** How large sealed chunks become: replay reads them nearly as fast as a file. */
export const SEALED_BYTES = 256 * 1024

/** How much one step rewrites: an append that arrives meanwhile waits for it, some milliseconds. */
const STEP_BYTES = 1024 * 1024

/**
 * Sealing merges the small chunks of conversations that came to rest into large ones. Each call of `step` is one
 * transaction and leaves every event readable, so it may be the last one at any moment; the list of what is left to
 * do is a table.
 */
export function sealing(db: Database) {
  const due = db.prepare<Due>('SELECT c, sealed FROM unsealed JOIN conversation USING (c) LIMIT 1')
  const chunks = db.prepare<Chunk>(
    'SELECT first, n, octet_length(lines) AS bytes FROM chunk WHERE c = ? AND first > ? ORDER BY first',
  )
  const merge = db.prepare(`
    UPDATE chunk SET (n, at, lines) = (
      SELECT sum(n), max(at), group_concat(lines, '' ORDER BY first) FROM chunk WHERE c = ? AND first BETWEEN ? AND ?
    ) WHERE c = ? AND first = ?`)
  const drop = db.prepare('DELETE FROM chunk WHERE c = ? AND first > ? AND first <= ?')
  const setSealed = db.prepare('UPDATE conversation SET sealed = ? WHERE c = ?')
  const finish = db.prepare('DELETE FROM unsealed WHERE c = ?')

  function seal({ c, sealed }: Due): void {
    const { groups, isEnd } = plan(chunks.iterate(c, sealed))
    for (const { first, lastFirst, rows } of groups) {
      if (rows === 1) continue
      merge.run(c, first, lastFirst, c, first)
      drop.run(c, first, lastFirst)
    }
    setSealed.run(sealedUpTo(groups, sealed), c)
    if (isEnd) finish.run(c)
  }

  return {
    /** Whether there is anything to do. */
    isDue: (): boolean => due.get() !== undefined,
    /** Does a little, if there is anything to do. */
    step(): void {
      const next = due.get()
      if (next === undefined) return
      inTransaction(db, () => seal(next))
    },
  }
}

interface Due {
  readonly c: number
  readonly sealed: number
}

interface Chunk {
  readonly first: number
  readonly n: number
  readonly bytes: number
}

/** Neighbouring chunks that become one. */
interface Group {
  readonly first: number
  /** The `first` of its last chunk. */
  lastFirst: number
  last: number
  rows: number
  bytes: number
}

/** Groups the chunks of one step. `isEnd`: no chunk is left for another. */
function plan(chunks: Iterable<Chunk>): { groups: Group[]; isEnd: boolean } {
  const groups: Group[] = []
  let total = 0
  for (const { first, n, bytes } of chunks) {
    if (total >= STEP_BYTES) return { groups, isEnd: false }
    total += bytes
    const group = groups.at(-1)
    if (group !== undefined && group.bytes + bytes <= SEALED_BYTES) {
      group.lastFirst = first
      group.last = first + n - 1
      group.rows++
      group.bytes += bytes
    } else {
      groups.push({ first, lastFirst: first, last: first + n - 1, rows: 1, bytes })
    }
  }
  return { groups, isEnd: true }
}

/** The last group stays open for what comes after it, until it is half full: so each event is moved a few times at most. */
function sealedUpTo(groups: readonly Group[], before: number): number {
  const group = groups.at(-1)
  if (group === undefined) return before
  return group.bytes >= SEALED_BYTES / 2 ? group.last : group.first - 1
}
