import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Deleted } from '../../core/ports/conversation.ts'
import type { ConversationReads } from './conversations.ts'
import type { Database } from './open.ts'
import { keepPlaces } from './places.ts'
import { dropping, settling } from './positions.ts'
import type { RunReads } from './runs.ts'
import { disowning } from './usage.ts'
import { restCheck } from './retention.ts'
import { inTransaction } from './transaction.ts'

/**
 * Takes a conversation out of reach in one transaction, however large it is. What it leaves behind is removed by
 * `removing`.
 */
export function deleteOperations(db: Database, reads: ConversationReads, runs: RunReads) {
  const keepNames = db.prepare(`
    INSERT INTO conversation (id, folder, cwd, created_at, updated_at, deleted)
    SELECT alias.id, '', '', 0, 0, 1 FROM folder JOIN alias ON folder = path WHERE canonical = ?`)
  const dropNames = db.prepare('DELETE FROM alias WHERE folder IN (SELECT path FROM folder WHERE canonical = ?)')
  const freeFolder = db.prepare('DELETE FROM folder WHERE canonical = ?')
  const dropRules = db.prepare("DELETE FROM approval_rule WHERE c = ? AND scope = 'session'")
  const forgetSealing = db.prepare('DELETE FROM unsealed WHERE c = ?')
  // without a head it has no events for anybody
  const empty = db.prepare(`
    UPDATE conversation SET deleted = 1, folder = '', cwd = '', grp = NULL, session_id = NULL, head = 0, sealed = 0,
      created_at = 0, updated_at = 0, title = NULL, tags = '[]', settings = NULL
    WHERE c = ?`)
  const dropTags = db.prepare('DELETE FROM tagged WHERE c = ?')
  const unrefer = db.prepare(`
    UPDATE attachment SET unused_since = 0 WHERE f IN (SELECT f FROM attachment_use WHERE c = ?1)
      AND NOT EXISTS (SELECT 1 FROM attachment_use AS other WHERE other.f = attachment.f AND other.c <> ?1)`)
  const dropReferences = db.prepare('DELETE FROM attachment_use WHERE c = ?')
  const remember = db.prepare('INSERT INTO deletion (c) VALUES (?)')
  // those that still stand somewhere in a queue; the others are removed later
  const dropPrompts = db.prepare("DELETE FROM prompt WHERE c = ? AND state IN ('queued', 'steering')")

  const isAtRest = restCheck(db)

  function deleteConversation(id: ConversationId): Deleted {
    const row = reads.byId(id)
    if (row === undefined) return { status: 'unknown' }
    const run = runs.openRun(row.folder)
    if (run?.conversation === id) return { status: 'busy', run }
    const names = [keepNames, dropNames, freeFolder]
    const steps = [...names, unrefer, dropReferences, dropRules, dropPrompts, dropTags, forgetSealing, empty, remember]
    for (const step of steps) step.run(row.c)
    return { status: 'deleted' }
  }

  return {
    deleteConversation,
    pruneConversation: ({ id, activeBefore }: { id: ConversationId; activeBefore: number }): boolean =>
      isAtRest(id, activeBefore) && deleteConversation(id).status === 'deleted',
  }
}

/** How much one step removes: an append that arrives meanwhile waits for it, some milliseconds. */
const STEP = { bytes: 256 * 1024, rows: 500 }

/**
 * Removes what deleted conversations have left behind, a little at a time. Each call of `step` is one transaction and
 * may be the last one at any moment; the list of what is left to do is a table.
 */
export function removing(db: Database) {
  const due = db.prepare<{ c: number }>('SELECT c FROM deletion LIMIT 1')
  const chunks = db.prepare<{ first: number; bytes: number }>(
    `SELECT position.first, octet_length(lines) AS bytes FROM position CROSS JOIN chunk USING (k)
     WHERE young = 0 AND position.c = ? ORDER BY position.first LIMIT ${STEP.rows}`,
  )
  const settle = settling(db)
  const dropChunks = dropping(db)
  const dropRuns = db.prepare(`DELETE FROM run WHERE r IN (SELECT r FROM run WHERE c = ? LIMIT ${STEP.rows})`)
  const dropUsage = db.prepare(
    `DELETE FROM run_usage WHERE c = ?1 AND (model, r) IN (SELECT model, r FROM run_usage WHERE c = ?1 LIMIT ${STEP.rows})`,
  )
  const dropApprovals = db.prepare(
    `DELETE FROM approval WHERE a IN (SELECT a FROM approval WHERE c = ? LIMIT ${STEP.rows})`,
  )
  const dropPrompts = db.prepare(`DELETE FROM prompt WHERE p IN (SELECT p FROM prompt WHERE c = ? LIMIT ${STEP.rows})`)
  const disown = disowning(db, STEP.rows)
  const finish = db.prepare('DELETE FROM deletion WHERE c = ?')
  const keep = keepPlaces(db)

  function remove(c: number): void {
    settle(c)
    const last = lastOfStep(chunks.iterate(c))
    if (last !== undefined) {
      keep()
      dropChunks(c, 0, last)
    } else if ([dropUsage, disown, dropRuns, dropApprovals, dropPrompts].every((drop) => drop.run(c).changes === 0)) {
      finish.run(c)
    }
  }

  return {
    /** Whether there is anything to do. */
    isDue: (): boolean => due.get() !== undefined,
    /** Does a little, if there is anything to do. */
    step(): void {
      const next = due.get()
      if (next === undefined) return
      inTransaction(db, () => remove(next.c))
    },
  }
}

/** The last chunk that one step removes: at least the first, however large it is. */
function lastOfStep(chunks: Iterable<{ first: number; bytes: number }>): number | undefined {
  let last: number | undefined
  let total = 0
  for (const { first, bytes } of chunks) {
    total += bytes
    if (last !== undefined && total > STEP.bytes) break
    last = first
  }
  return last
}
