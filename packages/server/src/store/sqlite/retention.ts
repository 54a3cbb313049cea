import type { AtRest, AtRestQuery, Footprint } from '../../core/ports/retention.ts'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'

const AT_REST = `deleted = 0 AND active_at < ?1
  AND NOT EXISTS (SELECT 1 FROM folder WHERE canonical = conversation.c)
  AND NOT EXISTS (SELECT 1 FROM run WHERE run.folder = conversation.folder AND state <> 'ended' AND run.c = conversation.c)
  AND NOT EXISTS (SELECT 1 FROM prompt WHERE prompt.c = conversation.c AND state IN ('queued', 'steering'))
  AND NOT EXISTS (SELECT 1 FROM approval WHERE approval.c = conversation.c AND (state = 'pending' OR carried = 1))`

const COLUMNS = `id, folder, title, active_at, (
    SELECT coalesce(sum(octet_length(lines)), 0) FROM position CROSS JOIN chunk USING (k)
    WHERE young IN (0, 1) AND position.c = conversation.c
  ) + (
    SELECT coalesce(sum(bytes), 0) FROM attachment_use JOIN attachment USING (f) WHERE attachment_use.c = conversation.c
      AND NOT EXISTS (SELECT 1 FROM attachment_use AS other WHERE other.f = attachment.f AND other.c <> conversation.c)
  ) AS bytes`

/** What may be removed, and what all that is kept takes. */
export function readRetention(db: Database) {
  const oldest = (index: string, more = '') =>
    db.prepare<AtRestRow>(
      `SELECT ${COLUMNS} FROM conversation INDEXED BY ${index} WHERE ${AT_REST} ${more} ORDER BY active_at, c LIMIT ?2`,
    )
  const all = oldest('conversation_active')
  const archived = oldest('conversation_archived', 'AND archived = 1')
  const size = db.prepare<{ bytes: number }>(`
    SELECT (page_count - freelist_count) * page_size + (SELECT coalesce(sum(bytes), 0) FROM attachment) AS bytes
    FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`)
  const due = db.prepare('SELECT 1 FROM deletion LIMIT 1')
  return {
    atRest: ({ activeBefore, isArchived, limit }: AtRestQuery): AtRest[] =>
      (isArchived ? archived : all).all(activeBefore, limit).map((row) => toAtRest(row)),
    footprint: (): Footprint => ({ bytes: certain(size.get(), 'a sum').bytes, isSettled: due.get() === undefined }),
  }
}

/** Whether a conversation is still at rest, asked in the transaction that removes it. */
export function restCheck(db: Database): (id: ConversationId, activeBefore: number) => boolean {
  const check = db.prepare(`SELECT 1 FROM conversation WHERE id = ?2 AND ${AT_REST}`)
  return (id, activeBefore) => check.get(activeBefore, id) !== undefined
}

interface AtRestRow {
  readonly id: ConversationId
  readonly folder: Folder
  readonly title: string | null
  readonly active_at: number
  readonly bytes: number
}

function toAtRest({ id, folder, title, active_at: activeAt, bytes }: AtRestRow): AtRest {
  return { id, folder, title: title ?? undefined, activeAt, bytes }
}
