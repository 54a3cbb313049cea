import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentId, Folder } from '@claude-proxy/protocol/ids'
import type { Attachment, NewAttachment, Unused } from '../../core/ports/attachment.ts'
import type { Database } from './open.ts'

/** Finding attachments. What has lost its last conversation is not found any more. */
export function readAttachments(db: Database) {
  const byId = db.prepare<{ facts: string }>('SELECT facts FROM attachment WHERE id = ? AND unused_since IS NOT 0')
  const unused = db.prepare<Unused & { isOwn: number }>(`
    SELECT facts ->> 'by' IS ? AS isOwn, count(*) AS count, sum(bytes) AS bytes
    FROM attachment WHERE unused_since > 0 GROUP BY isOwn`)
  const folders = db.prepare<{ folder: Folder }>(`
    SELECT DISTINCT folder FROM attachment JOIN attachment_use USING (f) JOIN conversation USING (c)
    WHERE attachment.id = ? AND deleted = 0`)
  return {
    foldersOf: (id: AttachmentId): Folder[] => folders.all(id).map(({ folder }) => folder),
    attachment(id: AttachmentId): Attachment | undefined {
      const row = byId.get(id)
      if (!row) return undefined
      const { by: _, ...attachment } = JSON.parse(row.facts)
      return attachment
    },
    unusedUploads(by: string): { all: Unused; own: Unused } {
      const [others = NOTHING, own = NOTHING] = [0, 1].map((isOwn) => unused.all(by).find((row) => row.isOwn === isOwn))
      const all = { count: others.count + own.count, bytes: others.bytes + own.bytes }
      return { all, own: { count: own.count, bytes: own.bytes } }
    },
  }
}

const NOTHING: Unused = { count: 0, bytes: 0 }

export type AttachmentWrites = ReturnType<typeof writeAttachments>

/** Referring to attachments, for whatever stores a prompt. */
export function writeAttachments(db: Database) {
  const insert = db.prepare('INSERT INTO attachment (id, facts, bytes, unused_since) VALUES (?, ?, ?, ?)')
  const use = db.prepare('UPDATE attachment SET unused_since = NULL WHERE id = ? AND unused_since IS NOT 0')
  const refer = db.prepare('INSERT OR IGNORE INTO attachment_use (c, f) SELECT ?, f FROM attachment WHERE id = ?')

  /** `by`: whose share it is in what no prompt has used. */
  function add(attachment: Attachment, unusedSince: number | null, by?: string): void {
    insert.run(attachment.id, JSON.stringify({ ...attachment, by }), attachment.bytes, unusedSince)
  }

  return {
    add,
    /** Has the conversation refer to them. Returns them as a prompt's column has them. */
    refer(c: number, attachments: readonly NewAttachment[] = []): string | null {
      const facts = attachments.map(({ isNew, ...attachment }) => {
        if (isNew) add(attachment, null)
        // It may have expired since it was looked at.
        else if (use.run(attachment.id).changes === 0)
          throw new AppError('upload_unknown', `There is no upload ${attachment.id}, or not any more.`, {
            upload_id: attachment.id,
          })
        refer.run(c, attachment.id)
        return attachment
      })
      return facts.length === 0 ? null : JSON.stringify(facts)
    },
  }
}

/** How many one step forgets: their files are removed before the next. */
const STEP = 100

export function attachmentOperations(db: Database, { add }: AttachmentWrites) {
  const forget = db.prepare<{ id: AttachmentId }>(`
    DELETE FROM attachment WHERE f IN (
      SELECT f FROM attachment WHERE unused_since < ? ORDER BY unused_since LIMIT ${STEP}) RETURNING id`)
  return {
    addUpload: ({ attachment, at, by }: { attachment: Attachment; at: number; by: string }): void =>
      add(attachment, at, by),
    removeUnusedAttachments: (before: number): AttachmentId[] => forget.all(before).map(({ id }) => id),
  }
}

/** What the row of a run or a prompt says that came with it. */
export function attachmentsOf({ attachments }: { readonly attachments: string | null }): {
  attachments?: Attachment[]
} {
  return attachments === null ? {} : { attachments: JSON.parse(attachments) }
}
