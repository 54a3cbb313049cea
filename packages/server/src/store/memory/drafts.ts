import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Conversation } from '../../core/ports/conversation.ts'
import type { DraftId, Publication, Published } from '../../core/ports/draft.ts'
import { change, create, folderOf } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
import type { State } from './state.ts'

/** How many events one step copies. */
const STEP = 10_000

export function beginDraft(state: State): DraftId {
  const draft = crypto.randomUUID() as string as DraftId
  state.drafts.set(draft, [])
  return draft
}

export function addToDraft(state: State, draft: DraftId, lines: readonly string[]): void {
  checkLines(lines)
  const events = open(state, draft)
  for (const line of lines) events.push(Buffer.from(`${line}\n`))
}

export function copyToDraft(
  state: State,
  { draft, from, until }: { draft: DraftId; from: ConversationId; until: number },
): number | undefined {
  const events = open(state, draft)
  const source = state.events.get(from) ?? []
  if (!state.conversations.has(from) || source.length < until) return undefined
  for (const line of source.slice(events.length, Math.min(until, events.length + STEP))) events.push(line)
  return events.length
}

export function publishDraft(state: State, input: Publication): Published {
  const events = open(state, input.draft)
  checkLines([input.line])
  const { id, folder, cwd, title, sessionId, at } = input
  if (folderOf(state, id) !== undefined || state.deleted.has(id)) return { status: 'taken' }
  const owner = input.ownsSession && sessionId !== undefined ? conversationOfSession(state, sessionId) : undefined
  if (owner !== undefined) return { status: 'owned', by: owner.id }
  create(state, { id, folder, cwd, at })
  state.events.set(id, events)
  state.drafts.delete(input.draft)
  appendEvents(state, id, [input.line], at)
  return { status: 'published', conversation: change(state, id, { title, sessionId }) }
}

export function dropDraft(state: State, draft: DraftId): void {
  open(state, draft)
  state.drafts.delete(draft)
}

export function conversationOfSession(state: State, sessionId: string): Conversation | undefined {
  return [...state.conversations.values()].find((each) => each.sessionId === sessionId)
}

function open(state: State, draft: DraftId): Buffer[] {
  const events = state.drafts.get(draft)
  if (events === undefined) throw new Error('there is no such draft')
  return events
}
