import type { FeedPlace } from '@claude-proxy/protocol/feed'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'

/** Where the feed ends, who wrote which part of it, and whether a place is one of ours. */
export function readPlaces(db: Database) {
  const head = db.prepare<{ k: number }>(
    'SELECT max(coalesce(max(last), 0), (SELECT coalesce(max(k), 0) FROM chunk)) AS k FROM feed WHERE one = 1',
  )
  const before = db.prepare<{ name: string }>('SELECT name FROM life WHERE first <= ? ORDER BY first DESC LIMIT 1')
  const after = db.prepare<{ first: number | null }>('SELECT min(first) AS first FROM life WHERE first > ?')
  const named = db.prepare<{ first: number }>('SELECT first FROM life WHERE name = ?')

  const end = (): number => certain(head.get(), 'the end of the feed').k
  const lifeOf = (k: number): string => certain(before.get(k), 'a writer').name
  const firstAfter = (k: number): number => after.get(k)?.first ?? Number.POSITIVE_INFINITY

  return {
    /** The `k` of the newest commit that there ever was. */
    end,
    /** The place behind commit `k`. */
    behind: (k: number): FeedPlace => ({ life: lifeOf(k), commit: k + 1, events: 0 }),
    /** The names for commits, asked for in ascending order. */
    lives(): (k: number) => string {
      let name = ''
      let until = -1
      return (k) => {
        if (k >= until) {
          name = lifeOf(k)
          until = firstAfter(k)
        }
        return name
      }
    },
    /** Whether the place was given out here, and what lies before it is still what it was. */
    isKnown({ life, commit, events }: FeedPlace): boolean {
      const known = named.get(life)
      if (known === undefined) return false
      const k = events === 0 ? commit - 1 : commit
      return k >= known.first && k <= end() && k < firstAfter(known.first)
    },
  }
}

/** Gives out `k`, each once. */
export function takePlaces(db: Database) {
  const { end } = readPlaces(db)
  const begin = db.prepare('INSERT INTO life (first, name) VALUES (?, lower(hex(randomblob(5))))')
  let next: number | undefined
  let hasLife = false

  return {
    next(): number {
      next ??= end() + 1
      if (!hasLife) begin.run(next)
      hasLife = true
      return next++
    },
    /** The transaction was given up. What it took is not given out again. */
    forget(): void {
      hasLife = false
    },
  }
}

/** Remembers the newest `k`, before chunks are taken away. */
export function keepPlaces(db: Database): () => void {
  const keep = db.prepare('UPDATE feed SET last = max(last, (SELECT coalesce(max(k), 0) FROM chunk)) WHERE one = 1')
  return () => void keep.run()
}
