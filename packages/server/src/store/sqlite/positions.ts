import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'

/** So many positions stay young: about twenty pages, however many conversations are at work. */
const YOUNG = 2048

/** So many of one conversation are settled together at most: more would hold up the commit that does it. */
const TOGETHER = 128

/**
 * Notes where events lie. New positions are young, and those of one conversation that have been there for a while are
 * settled together: so a commit writes a few pages of positions, and not one for every conversation in it.
 */
export function writePositions(db: Database) {
  const insert = db.prepare('INSERT INTO position (young, c, first, k) VALUES (1, ?, ?, ?)')
  const count = db.prepare<{ n: number }>('SELECT count(*) AS n FROM position WHERE young = 1')
  const after = db.prepare<{ c: number }>('SELECT c FROM position WHERE young = 1 AND c > ? ORDER BY c LIMIT 1')
  // The oldest first: whatever is settled of a conversation lies before what is young of it.
  const settleSome = db.prepare(`
    UPDATE position SET young = 0 WHERE young = 1 AND c = ?1 AND first <= coalesce(
      (SELECT first FROM position WHERE young = 1 AND c = ?1 ORDER BY first LIMIT 1 OFFSET ${TOGETHER - 1}), ${2 ** 53})`)
  const countAll = () => certain(count.get(), 'a count').n
  /** How many are young; too many, when a conversation was settled as a whole, until the next look. */
  let young: number | undefined
  let added = 0
  let turn = 0

  return {
    add(c: number, first: number, k: number): void {
      insert.run(c, first, k)
      added++
    },
    /** Settles as many as were added, if that many are young: each conversation in its turn. */
    settle(): void {
      if (added === 0) return
      let left = young === undefined ? countAll() : young + added
      for (let moved = 0; moved < added && left > YOUNG;) {
        const next = after.get(turn)
        turn = next?.c ?? 0
        if (next === undefined) {
          left = countAll()
          continue
        }
        const changes = Number(settleSome.run(turn).changes)
        moved += changes
        left -= changes
      }
      young = left
      added = 0
    },
    /** The transaction was given up. */
    forget(): void {
      young = undefined
      added = 0
    },
  }
}

/** Settles all of a conversation that came to rest, for who is about to look at it as a whole. */
export function settling(db: Database): (c: number) => void {
  const settle = db.prepare('UPDATE position SET young = 0 WHERE young = 1 AND c = ?')
  return (c) => void settle.run(c)
}

/** Removes the rows of a conversation that begin behind event `after`, up to the one that begins with `last`. All are settled. */
export function dropping(db: Database): (c: number, after: number, last: number) => void {
  const which = 'FROM position WHERE young = 0 AND c = ? AND first > ? AND first <= ?'
  const rows = db.prepare(`DELETE FROM chunk WHERE k IN (SELECT k ${which})`)
  const positions = db.prepare(`DELETE ${which}`)
  return (...range) => {
    rows.run(...range)
    positions.run(...range)
  }
}
