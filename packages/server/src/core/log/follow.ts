import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Bell, Page, Store } from '../ports.ts'

/** A slice of the log that is read at once. Larger slices would hold the event loop, smaller ones cost throughput. */
const PAGE_BYTES = 256 * 1024

/** How long a reader trusts the bell. A lost ring costs at most this. */
const DOUBT_MS = 1000

export interface Follow {
  readonly conversation: ConversationId
  /** The number of the last event the reader has. */
  readonly after: number
  /** The number of the last event to deliver, as soon as it is known; undefined goes on waiting. */
  readonly until: () => Promise<number | undefined>
  readonly signal: AbortSignal
}

/**
 * Events after `after`: the stored ones first, then new ones as they happen. Ends with the event `until` names, or
 * when `signal` aborts. Every reader of the log is this loop: it holds a position and pulls, nothing is queued for it.
 */
export async function* follow(log: { store: Store; bell: Bell }, reader: Follow): AsyncGenerator<Page> {
  const { conversation, until, signal } = reader
  using listener = log.bell.listen(conversation)
  let position = reader.after
  while (!signal.aborted) {
    // Asked before the page is read: what ends the reader is stored, so the pages up to it are there.
    const last = await until()
    if (last !== undefined && position >= last) return
    const page = await log.store.page(conversation, position, PAGE_BYTES)
    if (page.count > 0) {
      position = page.first + page.count - 1
      yield page
    } else if (last === undefined) {
      await listener.next(DOUBT_MS, signal)
    } else {
      return
    }
  }
}
