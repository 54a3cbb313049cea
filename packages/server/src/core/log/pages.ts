import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Page, Store } from '../ports.ts'

const PAGE_BYTES = 256 * 1024

/** The stored events after `after` up to `head`, in pages of about 256 KB. */
export async function* storedPages(
  store: Store,
  conversation: ConversationId,
  after: number,
  head: number,
): AsyncGenerator<Page> {
  let position = after
  while (position < head) {
    const page = await store.page(conversation, position, PAGE_BYTES)
    if (page.count === 0) return
    yield page
    position = page.first + page.count - 1
  }
}
