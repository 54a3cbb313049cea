import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { FeedBatch, FeedPage } from '../ports/feed.ts'

/** What somebody wants of the feed: some conversations, some types of events, or all of them. */
export interface Choice {
  readonly only: ReadonlySet<ConversationId> | undefined
  readonly types: ReadonlySet<string> | undefined
}

/** What is wanted of a page. Those who want all get the very same page. */
export function chosen(page: FeedPage, { only, types }: Choice): FeedPage {
  if (only === undefined && types === undefined) return page
  const own = only === undefined ? page.batches : page.batches.filter(({ conversation }) => only.has(conversation))
  return { ...page, batches: types === undefined ? own : own.flatMap((batch) => ofTypes(batch, types)) }
}

/** The events of these types, those together that follow one another. */
function ofTypes(batch: FeedBatch, types: ReadonlySet<string>): FeedBatch[] {
  const { lines, at } = batch
  const source = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
  const parts: FeedBatch[] = []
  let begin = -1
  let skipped = 0
  let start = 0
  for (let n = 0; n < batch.count; n++) {
    const end = source.indexOf(NEWLINE, start) + 1
    const isWanted = types.has(typeOf(source, start, end))
    if (isWanted && begin < 0) [begin, skipped] = [start, n]
    if (!isWanted && begin >= 0) {
      parts.push(part(n, start))
      begin = -1
    }
    start = end
  }
  if (begin >= 0) parts.push(part(batch.count, source.length))
  return parts

  function part(until: number, end: number): FeedBatch {
    return {
      conversation: batch.conversation,
      first: batch.first + skipped,
      count: until - skipped,
      lines: source.subarray(begin, end),
      at: { ...at, events: at.events + skipped },
    }
  }
}

/** The type that an event names: as a rule it is the first thing in its line. */
function typeOf(source: Buffer, start: number, end: number): string {
  const value = start + FIRST.length
  if (source.toString('latin1', start, value) === FIRST)
    return source.toString('latin1', value, source.indexOf(QUOTE, value))
  const event: unknown = JSON.parse(source.toString('latin1', start, end))
  return typeof event === 'object' && event !== null && 'type' in event ? String(event.type) : ''
}

const FIRST = '{"type":"'
const QUOTE = 34
const NEWLINE = 10
