import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Deleted } from '../../core/ports/conversation.ts'
import { unrefer } from './attachments.ts'
import { openRun } from './runs.ts'
import type { State } from './state.ts'

export function deleteConversation(state: State, id: ConversationId): Deleted {
  const known = state.conversations.get(id)
  if (known === undefined) return { status: 'unknown' }
  const run = openRun(state, known.folder)
  if (run?.conversation === id) return { status: 'busy', run }
  state.conversations.delete(id)
  state.events.delete(id)
  state.deleted.add(id)
  for (const [key, { conversation }] of state.runs) {
    if (conversation !== id) continue
    state.runs.delete(key)
    state.endings.delete(key)
    state.begunAt.delete(key)
  }
  for (const [key, { conversation }] of state.approvals) if (conversation === id) state.approvals.delete(key)
  for (const [key, { conversation, scope }] of state.rules)
    if (conversation === id && scope === 'session') state.rules.delete(key)
  for (const [key, { conversation }] of state.prompts) if (conversation === id) state.prompts.delete(key)
  unrefer(state, id)
  state.queues.set(
    known.folder,
    (state.queues.get(known.folder) ?? []).filter((each) => state.prompts.has(each)),
  )
  if (state.folders.get(known.folder) !== id) return { status: 'deleted' }
  state.folders.delete(known.folder)
  for (const [name, folder] of state.aliases) {
    if (folder !== known.folder) continue
    state.aliases.delete(name)
    state.deleted.add(name)
  }
  return { status: 'deleted' }
}
