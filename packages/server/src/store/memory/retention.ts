import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Conversation } from '../../core/ports/conversation.ts'
import type { AtRest, AtRestQuery, Footprint } from '../../core/ports/retention.ts'
import { certain } from '../../core/certain.ts'
import { deleteConversation } from './delete.ts'
import type { State } from './state.ts'

export function atRest(state: State, { activeBefore, isArchived, limit }: AtRestQuery): AtRest[] {
  return [...state.conversations.values()]
    .filter((each) => isAtRest(state, each, activeBefore) && (isArchived === undefined || each.isArchived))
    .toSorted((a, b) => a.activeAt - b.activeAt)
    .slice(0, limit)
    .map(({ id, folder, title, activeAt }) => ({ id, folder, title, activeAt, bytes: bytesOf(state, id) }))
}

/** Deletes a conversation, if it is still at rest. */
export function pruneConversation(state: State, id: ConversationId, activeBefore: number): boolean {
  const known = state.conversations.get(id)
  if (!known || !isAtRest(state, known, activeBefore)) return false
  return deleteConversation(state, id).status === 'deleted'
}

export function footprint(state: State): Footprint {
  const events = [...state.events.keys()].reduce((sum, id) => sum + eventBytes(state, id), 0)
  const attachments = [...state.attachments.values()].reduce((sum, { attachment }) => sum + attachment.bytes, 0)
  return { bytes: events + attachments, isSettled: true }
}

function isAtRest(state: State, { id, folder, activeAt }: Conversation, activeBefore: number): boolean {
  const isOurs = (each: { conversation: ConversationId }) => each.conversation === id
  return (
    activeAt < activeBefore &&
    state.folders.get(folder) !== id &&
    ![...state.runs.values()].some((run) => isOurs(run) && run.state !== 'ended') &&
    ![...state.prompts.values()].some((prompt) => isOurs(prompt) && ['queued', 'steering'].includes(prompt.state)) &&
    ![...state.approvals.values()].some((each) => isOurs(each) && (each.state === 'pending' || each.carried))
  )
}

function bytesOf(state: State, id: ConversationId): number {
  const own = [...state.attachments.values()].filter(({ conversations: of }) => of.size === 1 && of.has(id))
  return own.reduce((sum, { attachment }) => sum + attachment.bytes, eventBytes(state, id))
}

function eventBytes(state: State, id: ConversationId): number {
  return certain(state.events.get(id), 'what a conversation holds').reduce((sum, { length }) => sum + length, 0)
}
