import type { Database } from './open.ts'
import { type Commits, packCommits, unpackCommits } from './order.ts'
import { keepPlaces } from './places.ts'
import { dropping, settling } from './positions.ts'
import { inTransaction } from './transaction.ts'

/** How large sealed chunks become: replay reads them nearly as fast as a file. */
export const SEALED_BYTES = 256 * 1024

/** How much one step rewrites: an append that arrives meanwhile waits for it, some milliseconds. */
const STEP_BYTES = 1024 * 1024

/**
 * How far apart in the order of all commits the first and the last may be that become one chunk. Whoever reads all
 * conversations in that order has to look back so far for chunks that hold something for him.
 */
export const SPAN = 8192

/**
 * Sealing merges the small chunks of conversations that came to rest into large ones. Each call of `step` is one
 * transaction and leaves every event readable, so it may be the last one at any moment; the list of what is left to
 * do is a table.
 */
export function sealing(db: Database) {
  const due = db.prepare<Due>('SELECT c, sealed FROM unsealed JOIN conversation USING (c) LIMIT 1')
  const chunks = db.prepare<Chunk>(
    `SELECT k, position.first, n, octet_length(lines) AS bytes, last, commits
     FROM position CROSS JOIN chunk USING (k) LEFT JOIN chunk_order USING (k)
     WHERE young = 0 AND position.c = ? AND position.first > ? ORDER BY position.first`,
  )
  const merge = db.prepare(`
    UPDATE chunk SET (n, at, lines) = (
      SELECT sum(n), max(at), group_concat(lines, '' ORDER BY position.first) FROM position CROSS JOIN chunk USING (k)
      WHERE young = 0 AND position.c = ? AND position.first BETWEEN ? AND ?
    ) WHERE k = ?`)
  const setOrder = db.prepare('INSERT OR REPLACE INTO chunk_order (k, last, commits) VALUES (?, ?, ?)')
  const drop = dropping(db)
  const settle = settling(db)
  const setSealed = db.prepare('UPDATE conversation SET sealed = ? WHERE c = ?')
  const finish = db.prepare('DELETE FROM unsealed WHERE c = ?')
  const keep = keepPlaces(db)

  function seal({ c, sealed }: Due): void {
    settle(c)
    const { groups, isEnd } = plan(chunks.iterate(c, sealed))
    keep()
    for (const { k, lastK, first, lastFirst, chunks: merged } of groups) {
      if (merged.length === 1) continue
      setOrder.run(k, lastK, packCommits(joined(merged)))
      merge.run(c, first, lastFirst, k)
      drop(c, first, lastFirst)
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
  readonly k: number
  readonly first: number
  readonly n: number
  readonly bytes: number
  /** The last of the commits that it was made of, and all of them; null where it is one. */
  readonly last: number | null
  readonly commits: Uint8Array | null
}

/** Neighbouring chunks that become one. */
interface Group {
  readonly k: number
  lastK: number
  readonly first: number
  /** The `first` of its last chunk. */
  lastFirst: number
  last: number
  readonly chunks: Chunk[]
  bytes: number
}

/** Groups the chunks of one step. `isEnd`: no chunk is left for another. */
function plan(chunks: Iterable<Chunk>): { groups: Group[]; isEnd: boolean } {
  const groups: Group[] = []
  let total = 0
  for (const chunk of chunks) {
    const { k, first, n, bytes, last: lastK } = chunk
    if (total >= STEP_BYTES) return { groups, isEnd: false }
    total += bytes
    const group = groups.at(-1)
    const end = lastK ?? k
    if (group !== undefined && group.bytes + bytes <= SEALED_BYTES && end - group.k < SPAN) {
      group.lastK = end
      group.lastFirst = first
      group.last = first + n - 1
      group.chunks.push(chunk)
      group.bytes += bytes
    } else {
      groups.push({ k, lastK: end, first, lastFirst: first, last: first + n - 1, chunks: [chunk], bytes })
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

function joined(chunks: readonly Chunk[]): Commits {
  const ks: number[] = []
  const counts: number[] = []
  for (const { k, n, commits } of chunks) {
    const own = commits === null ? { ks: [k], counts: [n] } : unpackCommits(k, commits)
    ks.push(...own.ks)
    counts.push(...own.counts)
  }
  return { ks, counts }
}
