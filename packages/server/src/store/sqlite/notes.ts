import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { ConversationReads } from './conversations.ts'
import type { EventWrites } from './events.ts'
import type { Piece } from './pieces.ts'

/** Events that are no run's. */
export function noteOperations(reads: ConversationReads, events: EventWrites) {
  return {
    addNote({ conversation, lines, at }: Note): number | undefined {
      const row = reads.byId(conversation)
      return row && events.append(row.c, lines, at).last
    },
  }
}

interface Note {
  readonly conversation: ConversationId
  readonly lines: readonly Piece[]
  readonly at: number
}
