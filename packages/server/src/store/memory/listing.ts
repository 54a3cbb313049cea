import { isBelow } from '../../core/folders.ts'
import type { Conversation, ConversationFilter, ConversationState } from '../../core/ports/conversation.ts'
import { openRun } from './runs.ts'
import type { State } from './state.ts'

/** Conversations by any mix of filters, newest activity first; those that are equally new by when they were made. */
export function conversations(
  state: State,
  { folder, isArchived, tag, state: wanted, among, within, before, limit }: ConversationFilter,
): Conversation[] {
  const made = [...state.conversations.values()]
  const place = made.findIndex(({ id }) => id === before?.id)
  return made
    .map((each, at) => ({ each, at }))
    .filter(({ each, at }) => {
      if (before === undefined) return true
      return each.activeAt === before.activeAt ? at < place : each.activeAt < before.activeAt
    })
    .toSorted((a, b) => b.each.activeAt - a.each.activeAt || b.at - a.at)
    .map(({ each }) => each)
    .filter((each) => among === undefined || among.includes(each.id))
    .filter((each) => within === undefined || isBelow(each.folder, within))
    .filter((each) => folder === undefined || each.folder === folder)
    .filter((each) => isArchived === undefined || each.isArchived === isArchived)
    .filter((each) => tag === undefined || each.tags.includes(tag))
    .filter((each) => wanted === undefined || stateOf(state, each) === wanted)
    .slice(0, limit)
}

function stateOf(state: State, { id, folder }: Conversation): ConversationState {
  const isWaiting = [...state.approvals.values()].some(
    (approval) => approval.conversation === id && approval.state === 'pending',
  )
  if (isWaiting) return 'waiting'
  return openRun(state, folder)?.conversation === id ? 'running' : 'idle'
}
