import type { Renderer } from '@claude-proxy/protocol/transcript/renderer'
import { createTurns } from '@claude-proxy/protocol/transcript/turns'
import { linesOf } from './log/pages.ts'
import type { Conversation } from './ports/conversation.ts'
import type { Page } from './ports/event.ts'
import { timestamp } from './timestamp.ts'

export interface TranscriptOptions {
  readonly renderer: Renderer
  /** Whether what the agent thought is told, too. */
  readonly withThinking: boolean
  /** The number of the event before the first page. */
  readonly after: number
}

/** What stored pages tell, as one document, a piece for each page. It holds no more than that. */
export async function* transcriptOf(
  conversation: Conversation,
  pages: AsyncIterable<Page>,
  { renderer, withThinking, after }: TranscriptOptions,
): AsyncGenerator<string> {
  const turns = createTurns()
  let last = after
  yield renderer.head({
    conversationId: conversation.id,
    title: conversation.title,
    folder: conversation.folder,
    createdAt: timestamp(conversation.createdAt),
  })
  for await (const { first, lines } of pages) {
    let written = ''
    last = first - 1
    for (const line of linesOf(lines)) {
      last++
      for (const entry of turns.take(last, JSON.parse(line))) {
        if (withThinking || entry.what.kind !== 'thinking') written += renderer.entry(entry)
      }
    }
    yield written
  }
  yield renderer.foot(last)
}
