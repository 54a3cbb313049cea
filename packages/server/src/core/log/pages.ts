import { skipLines } from '@claude-proxy/protocol/frames'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { conversationUnknown } from '../conversations.ts'
import type { Page } from '../ports/event.ts'
import type { Store } from '../ports/store.ts'

const PAGE_BYTES = 256 * 1024

/**
 * The stored events after `after` up to `head`, in pages of about 256 KB. Throws when the conversation is deleted meanwhile:
 * what was read until then would look like all there is.
 */
export async function* storedPages(
  store: Pick<Store, 'page'>,
  conversation: ConversationId,
  after: number,
  head: number,
): AsyncGenerator<Page> {
  let position = after
  while (position < head) {
    const page = await store.page(conversation, position, PAGE_BYTES)
    if (page.count === 0) throw conversationUnknown(conversation)
    yield upTo(page, head)
    position = page.first + page.count - 1
  }
}

/** The events of a page up to number `last`: all of it, as a rule. */
export function upTo(page: Page, last: number): Page {
  const count = last - page.first + 1
  return count >= page.count ? page : { ...page, count, lines: page.lines.subarray(0, skipLines(page, count)) }
}

/** The lines of a page, one at a time: all of them together would be the page once more. */
export function* linesOf(bytes: Uint8Array): Generator<string> {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let start = 0
  for (let end = source.indexOf('\n'); end >= 0; end = source.indexOf('\n', start)) {
    yield source.toString('latin1', start, end)
    start = end + 1
  }
}
