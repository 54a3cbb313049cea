import type { FeedLines, FeedPlace } from '@claude-proxy/protocol/feed'
import type { ConversationId } from '@claude-proxy/protocol/ids'

/** Events of many conversations, in the order in which they were stored. */
export interface FeedBatch extends FeedLines {
  readonly conversation: ConversationId
}

/** A piece of the feed. It may be empty though there is more: what nobody asked for takes its time, too. */
export interface FeedPage {
  readonly batches: readonly FeedBatch[]
  /** The place behind all that was looked at. */
  readonly next: FeedPlace
  /** That is the end, for now. */
  readonly isLevel: boolean
}
