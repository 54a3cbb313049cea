import type { Lines } from './frames.ts'

/**
 * A place in the feed of all conversations: the commits before `commit` lie before it, and of that one the first
 * `events` events. `life`: who wrote up to there, so that it means nothing in another store.
 */
export interface FeedPlace {
  readonly life: string
  readonly commit: number
  readonly events: number
}

/** Consecutive events of one conversation that were stored together. */
export interface FeedLines extends Lines {
  readonly conversation: string
  /** The place before the first of them. */
  readonly at: FeedPlace
}
