import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Store } from './ports/store.ts'

/** An event that tells of a message in the agent's session. `uuid`: what the agent calls it; some have no such name. */
export interface Said {
  readonly number: number
  readonly uuid: string | undefined
}

const PAGE_BYTES = 256 * 1024

/** The events after `after`, up to `last`, that tell of a message of the agent's main session. */
export async function findSaid(
  store: Store,
  conversation: ConversationId,
  after: number,
  last: number,
): Promise<Said[]> {
  const said: Said[] = []
  while (after < last) {
    const page = await store.page(conversation, after, PAGE_BYTES)
    if (page.count === 0) return said
    const lines = Buffer.from(page.lines)
      .toString('latin1')
      .split('\n', Math.min(page.count, last - after))
    for (const [n, line] of lines.entries()) said.push(...readSaid(line, page.first + n))
    after += lines.length
  }
  return said
}

function readSaid(line: string, number: number): Said[] {
  const event: SaidEvent = JSON.parse(line)
  const isMessage = event.type === 'user' || event.type === 'assistant' || event.subtype === 'run_continued'
  // What a background agent says is in a session of its own.
  if (!isMessage || typeof event.parent_tool_use_id === 'string') return []
  return [{ number, uuid: typeof event.uuid === 'string' ? event.uuid : undefined }]
}

interface SaidEvent {
  readonly type?: unknown
  readonly subtype?: unknown
  readonly uuid?: unknown
  readonly parent_tool_use_id?: unknown
}
