import { AppError } from '@claude-proxy/protocol/errors'
import type { Activated, Conversation } from '../../core/ports/conversation.ts'
import { canonical, change, create, folderOf, setGroup, type NewConversation } from './conversations.ts'
import { openRun } from './runs.ts'
import type { State } from './state.ts'

export function ensureCanonical(
  state: State,
  input: NewConversation,
): { conversation: Conversation; created: boolean } {
  const there = canonical(state, input.folder)
  const known = there ?? state.conversations.get(input.id)
  if (there === undefined) {
    const folder = folderOf(state, input.id)
    if (folder !== undefined && folder !== input.folder) {
      throw new AppError('conversation_cwd_mismatch', `Conversation ${input.id} belongs to ${folder}.`, { folder })
    }
  }
  const { id } = known ?? create(state, input)
  state.folders.set(input.folder, id)
  if (known?.group !== input.group) setGroup(state, id, input.group, input.at)
  return { conversation: change(state, id, {}), created: known === undefined }
}

export function activate(state: State, input: NewConversation): Activated {
  const folder = folderOf(state, input.id)
  if (folder !== undefined && folder !== input.folder) return { status: 'elsewhere', folder }
  const previous = state.folders.get(input.folder)
  const run = previous === input.id ? undefined : openRun(state, input.folder)
  if (run !== undefined) return { status: 'busy', run }
  if (!state.conversations.has(input.id)) create(state, input)
  state.folders.set(input.folder, input.id)
  setGroup(state, input.id, input.group, input.at)
  return { status: 'activated', previous }
}
