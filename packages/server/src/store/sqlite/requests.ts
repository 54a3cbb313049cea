import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Repeated, RequestKey } from '../../core/ports/run.ts'
import type { Database } from './open.ts'

export type RequestReads = ReturnType<typeof readRequests>

/** What a folder knows of the keys that requests carried. */
export function readRequests(db: Database) {
  const byKey = db.prepare<{ digest: string; run: RunId }>(
    // what it came to may have been deleted
    `SELECT digest, run FROM request WHERE folder = ? AND key = ? AND (
      EXISTS (SELECT 1 FROM run JOIN conversation USING (c) WHERE run.id = request.run AND deleted = 0)
      OR EXISTS (SELECT 1 FROM prompt JOIN conversation USING (c) WHERE prompt.id = request.run AND deleted = 0))`,
  )
  return {
    requestOf(folder: Folder, key: RequestKey | undefined): Repeated | undefined {
      const known = key && byKey.get(folder, key.key)
      if (known === undefined) return undefined
      return known.digest === key?.digest ? { status: 'repeated', run: known.run } : { status: 'reused' }
    },
  }
}

export type RequestWrites = ReturnType<typeof writeRequests>

export function writeRequests(db: Database) {
  const insert = db.prepare('INSERT OR REPLACE INTO request (folder, key, digest, run, at) VALUES (?, ?, ?, ?, ?)')
  return {
    remember(folder: Folder, key: RequestKey | undefined, run: RunId, at: number): void {
      if (key !== undefined) insert.run(folder, key.key, key.digest, run, at)
    },
  }
}

/** How many keys one step forgets: who wants to commit meanwhile waits for it. */
const STEP = 500

export function requestOperations(db: Database, reads: RequestReads, writes: RequestWrites) {
  const forget = db.prepare(`
    DELETE FROM request WHERE (folder, key) IN (SELECT folder, key FROM request WHERE at < ? ORDER BY at LIMIT ${STEP})`)
  return {
    rememberRequest({ folder, key, run, at }: { folder: Folder; key: RequestKey; run: RunId; at: number }): void {
      if (reads.requestOf(folder, key) === undefined) writes.remember(folder, key, run, at)
    },
    forgetRequests: (before: number): number => Number(forget.run(before).changes),
  }
}
