import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Conversation } from '../../core/ports/conversation.ts'
import type { StagedId, Publication, Published } from '../../core/ports/staging.ts'
import { change, create, folderOf } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
import type { State } from './state.ts'

/** How many events one step copies. */
const STEP = 10_000

export function beginStaged(state: State): StagedId {
  const staged = crypto.randomUUID() as string as StagedId
  state.staged.set(staged, [])
  return staged
}

export function addToStaged(state: State, staged: StagedId, lines: readonly string[]): void {
  checkLines(lines)
  const events = open(state, staged)
  for (const line of lines) events.push(Buffer.from(`${line}\n`))
}

export function copyToStaged(
  state: State,
  { staged, from, until }: { staged: StagedId; from: ConversationId; until: number },
): number | undefined {
  const events = open(state, staged)
  const source = state.events.get(from) ?? []
  if (!state.conversations.has(from) || source.length < until) return undefined
  for (const line of source.slice(events.length, Math.min(until, events.length + STEP))) events.push(line)
  return events.length
}

export function publishStaged(state: State, input: Publication): Published {
  const events = open(state, input.staged)
  checkLines([input.line])
  const { id, folder, cwd, title, tags, sessionId, at } = input
  if (folderOf(state, id) !== undefined || state.deleted.has(id)) return { status: 'taken' }
  const owner = input.ownsSession && sessionId !== undefined ? conversationOfSession(state, sessionId) : undefined
  if (owner !== undefined) return { status: 'owned', by: owner.id }
  create(state, { id, folder, cwd, at })
  state.events.set(id, events)
  state.staged.delete(input.staged)
  for (const { conversations } of state.attachments.values())
    if (input.attachmentsOf !== undefined && conversations.has(input.attachmentsOf)) conversations.add(id)
  appendEvents(state, id, [input.line], at)
  return { status: 'published', conversation: change(state, id, { title, sessionId, ...(tags && { tags }) }) }
}

export function dropStaged(state: State, staged: StagedId): void {
  open(state, staged)
  state.staged.delete(staged)
}

export function conversationOfSession(state: State, sessionId: string): Conversation | undefined {
  return [...state.conversations.values()].find((each) => each.sessionId === sessionId)
}

function open(state: State, staged: StagedId): Buffer[] {
  const events = state.staged.get(staged)
  if (events === undefined) throw new Error('there is no such staged conversation')
  return events
}
