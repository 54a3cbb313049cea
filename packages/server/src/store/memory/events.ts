import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { StoredPage } from '../../core/ports/event.ts'
import { change } from './conversations.ts'
import { certain } from '../../core/certain.ts'
import type { State } from './state.ts'

export function appendEvents(
  state: State,
  id: ConversationId,
  lines: readonly string[],
  at: number,
): { first: number; last: number } {
  const events = certain(state.events.get(id), 'the conversation of events')
  const first = events.length + 1
  for (const line of lines) events.push(Buffer.from(`${line}\n`))
  if (lines.length > 0) state.commits.push({ conversation: id, first, count: lines.length })
  change(state, id, { head: events.length, updatedAt: at })
  return { first, last: events.length }
}

export function addNote(state: State, id: ConversationId, line: string, at: number): number | undefined {
  checkLines([line])
  return state.conversations.has(id) ? appendEvents(state, id, [line], at).last : undefined
}

export function page(state: State, id: ConversationId, position: number, atMostBytes: number): StoredPage {
  const after = Math.max(0, position)
  const events = state.events.get(id) ?? []
  const chosen: Buffer[] = []
  let bytes = 0
  for (let at = after; at < events.length; at++) {
    const line = events[at]
    if (line === undefined || (chosen.length > 0 && bytes + line.length > atMostBytes)) break
    chosen.push(line)
    bytes += line.length
  }
  return { first: after + 1, count: chosen.length, lines: Buffer.concat(chosen, bytes), head: events.length }
}

/** Lines that would not be what they say are a mistake of the caller. */
export function checkLines(lines: readonly string[]): void {
  if (lines.length === 0) throw new RangeError('there is nothing to store: no lines')
  const bad = lines.findIndex((line) => line.includes('\n'))
  if (bad >= 0) throw new RangeError(`line ${bad} holds a newline`)
}
