import { randomBytes } from 'node:crypto'
import { AppError } from '@claude-proxy/protocol/errors'
import { skipLines } from '@claude-proxy/protocol/frames'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Conversation } from '../../core/ports/conversation.ts'
import type { StagedId, Publication, Published } from '../../core/ports/staging.ts'
import {
  toConversation,
  type conversationOperations,
  type ConversationReads,
  type ConversationRow,
} from './conversations.ts'
import { certain } from '../../core/certain.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'
import { settling } from './positions.ts'
import { inTransaction } from './transaction.ts'

/** Whose session it is. */
export function readSessions(db: Database) {
  const bySession = db.prepare<ConversationRow>(
    'SELECT * FROM conversation WHERE session_id = ? AND deleted = 0 ORDER BY c LIMIT 1',
  )
  return {
    conversationOfSession(sessionId: string): Conversation | undefined {
      const row = bySession.get(sessionId)
      return row && toConversation(row)
    },
  }
}

/** How much one step copies: an append that arrives meanwhile waits for it, some milliseconds. */
const STEP_BYTES = 1024 * 1024

/** Conversations that come into being with a history. */
export function stagingOperations(
  db: Database,
  reads: ConversationReads,
  sessions: ReturnType<typeof readSessions>,
  events: EventWrites,
  changeConversation: ReturnType<typeof conversationOperations>['changeConversation'],
) {
  const insert = db.prepare<{ c: number }>(
    `INSERT INTO conversation (id, folder, cwd, created_at, updated_at, deleted) VALUES (?1, '', '', ?2, ?2, 1) RETURNING c`,
  )
  const note = db.prepare('INSERT INTO staged (c) VALUES (?)')
  const byId = db.prepare<{ c: number; head: number }>(
    'SELECT c, head FROM conversation JOIN staged USING (c) WHERE id = ?',
  )
  const forget = db.prepare('DELETE FROM staged WHERE c = ?')
  const remove = db.prepare('INSERT INTO deletion (c) VALUES (?)')
  const publish = db.prepare(`
    UPDATE conversation SET id = ?1, folder = ?2, cwd = ?3, title = ?4, session_id = ?5, deleted = 0,
      created_at = ?6, updated_at = ?6, active_at = ?6
    WHERE c = ?7`)
  const markForSealing = db.prepare('INSERT OR IGNORE INTO unsealed (c) VALUES (?)')
  // the copy is there as long as either of the two
  const refer = db.prepare(`
    INSERT OR IGNORE INTO attachment_use (c, f)
    SELECT ?, f FROM attachment_use WHERE c = (SELECT c FROM conversation WHERE id = ? AND deleted = 0)`)
  const copy = copying(db, events)

  function open(staged: StagedId): { c: number; head: number } {
    const row = byId.get(staged)
    if (row !== undefined) return row
    throw new AppError('storage_unavailable', 'What was being made is gone with the thread that wrote it.')
  }

  return {
    beginStaged(at: number): StagedId {
      // a client's ids begin with a letter or a digit
      const id = `.${randomBytes(16).toString('hex')}` as StagedId
      note.run(certain(insert.get(id, at), 'a row that was just stored').c)
      return id
    },

    addToStaged({ staged, lines, at }: { staged: StagedId; lines: readonly Piece[]; at: number }): void {
      events.append(open(staged).c, lines, at)
    },

    copyToStaged({
      staged,
      from,
      until,
    }: {
      staged: StagedId
      from: ConversationId
      until: number
    }): number | undefined {
      const { c, head } = open(staged)
      const source = reads.byId(from)
      return source === undefined || source.head < until ? undefined : copy({ from: source.c, to: c, head, until })
    },

    publishStaged(input: Omit<Publication, 'line'> & { lines: readonly Piece[] }): Published {
      const { c } = open(input.staged)
      if (reads.folderOf(input.id) !== undefined || reads.wasDeleted(input.id)) return { status: 'taken' }
      const owner = input.ownsSession && input.sessionId ? sessions.conversationOfSession(input.sessionId) : undefined
      if (owner !== undefined) return { status: 'owned', by: owner.id }
      const { id, folder, cwd, title, sessionId, at } = input
      publish.run(id, folder, cwd, title ?? null, sessionId ?? null, at, c)
      events.append(c, input.lines, at)
      if (input.attachmentsOf !== undefined) refer.run(c, input.attachmentsOf)
      forget.run(c)
      markForSealing.run(c)
      const conversation = certain(changeConversation({ id, tags: input.tags }), 'what was just published')
      return { status: 'published', conversation }
    },

    dropStaged(staged: StagedId): void {
      const { c } = open(staged)
      forget.run(c)
      remove.run(c)
    },
  }
}

/** Gives up what a writer that is gone had staged. Called before there is another. */
export function dropAllStaged(db: Database): void {
  inTransaction(db, () => db.exec('INSERT INTO deletion (c) SELECT c FROM staged; DELETE FROM staged'))
}

/** Copies a megabyte or so. Each row is a commit of its own again: its place in the order of all commits is a new one. */
function copying(db: Database, events: EventWrites) {
  const rows = db.prepare<{ k: number; bytes: number }>(`
    SELECT k, octet_length(lines) AS bytes FROM position CROSS JOIN chunk USING (k)
    WHERE young = 0 AND position.c = ?1 AND position.first <= ?3 AND position.first >= (
      SELECT first FROM position WHERE young = 0 AND c = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1)
    ORDER BY position.first`)
  const settle = settling(db)
  const read = db.prepare<{ first: number; n: number; at: number; lines: Uint8Array }>(
    'SELECT first, n, at, CAST(lines AS BLOB) AS lines FROM chunk WHERE k = ?',
  )

  return ({ from, to, head, until }: { from: number; to: number; head: number; until: number }): number => {
    let done = head
    settle(from)
    for (const k of keysOfStep(rows.iterate(from, head + 1, until))) {
      const row = certain(read.get(k), 'a row within one transaction')
      const last = Math.min(row.first + row.n - 1, until)
      const lines = { lines: row.lines, count: row.n }
      const part = row.lines.subarray(skipLines(lines, done + 1 - row.first), skipLines(lines, last - row.first + 1))
      events.append(to, [{ text: Buffer.from(part).toString('latin1'), count: last - done }], row.at)
      done = last
    }
    return done
  }
}

/** At least one row, however large it is. */
function keysOfStep(found: Iterable<{ k: number; bytes: number }>): number[] {
  const keys: number[] = []
  let total = 0
  for (const { k, bytes } of found) {
    total += bytes
    if (keys.length > 0 && total > STEP_BYTES) break
    keys.push(k)
  }
  return keys
}
