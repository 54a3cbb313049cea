import { skipLines } from '@claude-proxy/protocol/frames'
import type { FeedPlace } from '@claude-proxy/protocol/feed'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { FeedBatch, FeedPage } from '../../core/ports/feed.ts'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'
import { unpackCommits } from './order.ts'
import { readPlaces } from './places.ts'
import { SPAN } from './seal.ts'

/** How many places are looked through at a time, and how often for one page; a few milliseconds at most. */
const WINDOW = 512
const WINDOWS = 6
/** How many commits a page holds at most, however small they are. */
const COMMITS = 500
/** Lines of one commit up to here come with the rest of its row: most are smaller, and a look for each costs more. */
const SMALL_BYTES = 4096
/** What is fetched from the database for one page: sealed chunks come whole, however little of them is needed. */
const FETCHED_BYTES = 4 * 1024 * 1024
/** What of them is kept for the next page, which goes on where this one ends. */
const KEPT_BYTES = 8 * 1024 * 1024

/**
 * Reading all conversations, or some, in the order of the commits. Small chunks lie in that order; sealed ones overlap
 * and say what they were made of, so the feed is a merge of the chunks around a place.
 */
export function readFeed(db: Database) {
  const places = readPlaces(db)
  const columns = `SELECT chunk.k, id, first, n, commits,
    CASE WHEN commits IS NULL AND octet_length(lines) <= ${SMALL_BYTES} THEN CAST(lines AS BLOB) END AS small FROM`
  // the unary plus keeps to the order of k: an index on c would gather all there ever was of the conversations
  const some = '+chunk.c IN (SELECT value FROM json_each(?))'
  const inWindow = (which: string) =>
    db.prepare<ChunkRow>(`
      ${columns} chunk CROSS JOIN conversation USING (c) LEFT JOIN chunk_order USING (k)
      WHERE chunk.k BETWEEN ? AND ? AND deleted = 0 AND ${which} ORDER BY chunk.k`)
  const overlapping = (which: string) =>
    db.prepare<ChunkRow>(`
      ${columns} chunk_order CROSS JOIN chunk USING (k) CROSS JOIN conversation USING (c)
      WHERE chunk_order.k BETWEEN ? AND ? AND last >= ? AND deleted = 0 AND ${which}`)
  const all = { inWindow: inWindow('? IS NULL'), overlapping: overlapping('? IS NULL') }
  const chosen = { inWindow: inWindow(some), overlapping: overlapping(some) }
  const next = db.prepare<{ k: number | null }>('SELECT min(k) AS k FROM chunk WHERE k >= ?')
  const key = db.prepare<{ c: number }>('SELECT c FROM conversation WHERE id = ?')
  const linesOf = db.prepare<{ lines: Uint8Array }>('SELECT CAST(lines AS BLOB) AS lines FROM chunk WHERE k = ?')
  const kept = createKept()

  /** Within one transaction: sealing may move what lies around a place, but not under us. */
  function feed(after: FeedPlace | undefined, only: readonly ConversationId[] | undefined, atMost: number): FeedPage {
    const rows = only === undefined ? all : chosen
    const keys = only === undefined ? null : JSON.stringify(only.flatMap((id) => key.get(id)?.c ?? []))
    const end = places.end()
    const from = after ?? { commit: 0, events: 0 }
    const lifeOf = places.lives()
    const batches: FeedBatch[] = []
    let bytes = 0
    let fetched = 0

    function take({ chunk, k, count, offset }: Commit, skipped: number): void {
      const lines = chunk.slice(offset + skipped, count - skipped, (row) => {
        const { lines: whole } = certain(linesOf.get(row), 'a chunk within one transaction')
        fetched += whole.length
        return whole
      })
      const at = { life: lifeOf(k), commit: k, events: skipped }
      batches.push({ conversation: chunk.id, first: chunk.first + offset + skipped, count: count - skipped, lines, at })
      bytes += lines.length
    }

    const isFull = () =>
      batches.length > 0 && (bytes >= atMost || fetched >= FETCHED_BYTES || batches.length >= COMMITS)
    const stopAt = (commit: number): FeedPage => ({ batches, next: places.behind(commit - 1), isLevel: commit > end })

    let start = from.commit
    let open = rows.overlapping.all(start - SPAN, start - 1, start, keys).map((row) => openChunk(row, kept))
    for (let windows = 0; start <= end; windows++) {
      if (windows === WINDOWS || isFull()) return stopAt(start)
      const until = Math.min(start + WINDOW - 1, end)
      open.push(...rows.inWindow.all(start, until, keys).map((row) => openChunk(row, kept)))
      const due = open.flatMap((chunk) => chunk.commitsUpTo(start, until)).toSorted((a, b) => a.k - b.k)
      for (const commit of due) {
        const skipped = commit.k === from.commit ? from.events : 0
        if (skipped >= commit.count) continue
        if (isFull()) return stopAt(commit.k)
        take(commit, skipped)
      }
      open = open.filter((chunk) => !chunk.isDone)
      start = open.length > 0 ? until + 1 : (next.get(until + 1)?.k ?? end + 1)
    }
    return stopAt(Math.max(end + 1, from.commit))
  }

  return {
    feed(...asked: Parameters<typeof feed>): FeedPage {
      db.exec('BEGIN')
      try {
        return feed(...asked)
      } finally {
        db.exec('COMMIT')
      }
    },
    feedHead: (): FeedPlace => places.behind(places.end()),
    feedKnows: (place: FeedPlace): boolean => places.isKnown(place),
  }
}

interface ChunkRow {
  readonly k: number
  readonly id: ConversationId
  readonly first: number
  readonly n: number
  readonly commits: Uint8Array | null
  /** Its lines, if they are few. */
  readonly small: Uint8Array | null
}

/** One commit's events of one conversation: so many of a chunk's lines from `offset` on. */
interface Commit {
  readonly chunk: OpenChunk
  readonly k: number
  readonly count: number
  readonly offset: number
}

type OpenChunk = ReturnType<typeof openChunk>

/** A chunk on its way through the merge. */
function openChunk({ k, id, first, n, commits, small }: ChunkRow, kept: Kept) {
  const { ks, counts } = commits === null ? { ks: [k], counts: [n] } : unpackCommits(k, commits)
  let index = 0
  let offset = 0
  const chunk = {
    id,
    first,
    get isDone() {
      return index === ks.length
    },
    /** Its commits of a window. What lies before that is passed over. */
    commitsUpTo(start: number, until: number): Commit[] {
      const due: Commit[] = []
      for (; index < ks.length; index++) {
        const at = ks[index] ?? 0
        const count = counts[index] ?? 0
        if (at > until) break
        if (at >= start) due.push({ chunk, k: at, count, offset })
        offset += count
      }
      return due
    },
    /** Some of its lines. */
    slice(from: number, count: number, fetch: (k: number) => Uint8Array): Uint8Array {
      if (small !== null) return new Sliced(small, n).slice(from, count)
      if (from === 0 && count === n) return fetch(k)
      return kept.get(k, n, fetch).slice(from, count)
    },
  }
  return chunk
}

/** The lines of a chunk, of which some are wanted after the other. */
class Sliced {
  readonly n: number
  readonly lines: Uint8Array
  #line = 0
  #at = 0

  constructor(lines: Uint8Array, n: number) {
    this.lines = lines
    this.n = n
  }

  slice(from: number, count: number): Uint8Array {
    const start = this.#find(from)
    return this.lines.subarray(start, this.#find(from + count))
  }

  #find(line: number): number {
    const skipped = line - this.#line
    if (skipped < 0) this.#at = skipLines({ lines: this.lines, count: this.n }, line)
    else this.#at += skipLines({ lines: this.lines.subarray(this.#at), count: this.n - this.#line }, skipped)
    this.#line = line
    return this.#at
  }
}

type Kept = ReturnType<typeof createKept>

/** The sealed chunks that were read last: the next page needs most of them again. */
function createKept() {
  const chunks = new Map<number, Sliced>()
  let bytes = 0

  function drop(k: number): void {
    bytes -= chunks.get(k)?.lines.length ?? 0
    chunks.delete(k)
  }

  return {
    get(k: number, n: number, fetch: (k: number) => Uint8Array): Sliced {
      const known = chunks.get(k)
      drop(k)
      // it has grown since
      const sliced = known?.n === n ? known : new Sliced(fetch(k), n)
      chunks.set(k, sliced)
      bytes += sliced.lines.length
      for (const oldest of chunks.keys()) {
        if (bytes <= KEPT_BYTES || oldest === k) break
        drop(oldest)
      }
      return sliced
    },
  }
}
