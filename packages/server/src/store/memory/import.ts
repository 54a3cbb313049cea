import type { ImportedConversation } from '../../core/ports/conversation.ts'
import { canonical, change, create, folderOf } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
import type { State } from './state.ts'

export function importConversation(state: State, input: ImportedConversation): boolean {
  if (input.lines.length > 0) checkLines(input.lines)
  if (folderOf(state, input.id) !== undefined || state.deleted.has(input.id)) return false
  create(state, { ...input, at: input.createdAt })
  appendEvents(state, input.id, input.lines, input.updatedAt)
  change(state, input.id, { sessionId: input.sessionId, activeAt: input.updatedAt })
  if (input.canonical && canonical(state, input.folder) === undefined) state.folders.set(input.folder, input.id)
  return true
}
