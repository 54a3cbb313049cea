import type { ImportedConversation } from '../../core/ports/conversation.ts'
import type { ConversationReads, ConversationWrites } from './conversations.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'

/** A conversation to import, its lines cut into pieces; none when it has no events. */
export interface ConversationToImport extends Omit<ImportedConversation, 'lines'> {
  readonly lines: readonly Piece[]
}

/** Taking in conversations that came from elsewhere. */
export function importOperations(
  db: Database,
  reads: ConversationReads,
  writes: ConversationWrites,
  events: EventWrites,
) {
  const keepHistory = db.prepare(
    'UPDATE conversation SET session_id = ?1, updated_at = ?2, active_at = ?2 WHERE c = ?3',
  )
  return {
    importConversation(input: ConversationToImport): boolean {
      if (reads.folderOf(input.id) !== undefined || reads.wasDeleted(input.id)) return false
      const c = writes.create({ ...input, at: input.createdAt })
      if (input.lines.length > 0) events.append(c, input.lines, input.updatedAt)
      keepHistory.run(input.sessionId ?? null, input.updatedAt, c)
      if (input.canonical && reads.canonical(input.folder) === undefined) writes.makeCanonical(input.folder, c)
      return true
    },
  }
}
