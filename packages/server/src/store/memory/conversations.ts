import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Conversation, ConversationFacts, Resolved } from '../../core/ports/conversation.ts'
import type { State } from './state.ts'

export interface NewConversation {
  readonly id: ConversationId
  readonly folder: Folder
  readonly cwd: string
  readonly group?: string | undefined
  readonly at: number
}

export function canonical(state: State, folder: Folder): Conversation | undefined {
  const id = state.folders.get(folder)
  return id === undefined ? undefined : state.conversations.get(id)
}

/** The folder a name is bound to, as a conversation or as an alias. */
export function folderOf(state: State, name: ConversationId): Folder | undefined {
  return state.conversations.get(name)?.folder ?? state.aliases.get(name)
}

export function resolve(state: State, name: ConversationId): Resolved | undefined {
  const folder = folderOf(state, name)
  // imported history may lie in a folder that has no conversation yet: then it stands for itself
  const found = folder === undefined ? undefined : (canonical(state, folder) ?? state.conversations.get(name))
  return found && { conversation: found, isOwn: found.id === name }
}

/** A new conversation; a name that was an alias stops being one. */
export function create(state: State, { id, folder, cwd, group, at }: NewConversation): Conversation {
  refuseDeleted(state, id)
  state.aliases.delete(id)
  state.events.set(id, [])
  const fresh = { sessionId: undefined, head: 0, title: undefined, isArchived: false, tags: [] }
  return put(state, { id, folder, cwd, group, ...fresh, createdAt: at, updatedAt: at, activeAt: at })
}

export function createConversation(
  state: State,
  { title, tags = [], ...input }: NewConversation & { title: string | undefined; tags?: readonly string[] },
): Conversation | undefined {
  if (folderOf(state, input.id) !== undefined || state.deleted.has(input.id)) return undefined
  create(state, input)
  return change(state, input.id, { title, tags })
}

export function changeConversation(
  state: State,
  id: ConversationId,
  facts: ConversationFacts,
): Conversation | undefined {
  if (!state.conversations.has(id)) return undefined
  const given = Object.entries(facts).filter(([, value]) => value !== undefined)
  return change(state, id, Object.fromEntries(given))
}

/** An id or name is not given out again. */
export function refuseDeleted(state: State, id: ConversationId): void {
  if (!state.deleted.has(id)) return
  throw new AppError('conversation_unknown', `Conversation ${id} was deleted.`, { conversation_id: id, reset: true })
}

/** Replaces some facts of a conversation. */
export function change(state: State, id: ConversationId, facts: Partial<Conversation>): Conversation {
  const known = state.conversations.get(id)
  if (known === undefined) throw new AppError('conversation_unknown', `There is no conversation ${id}.`)
  return put(state, { ...known, ...facts })
}

/** Sets the group if one is given. */
export function setGroup(state: State, id: ConversationId, group: string | undefined, at: number): void {
  if (group !== undefined) change(state, id, { group, updatedAt: at })
}

export function put(state: State, conversation: Conversation): Conversation {
  state.conversations.set(conversation.id, conversation)
  return conversation
}
