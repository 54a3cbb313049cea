import type { Lines } from '@claude-proxy/protocol/frames'

/** What an append came to. `closed`: the run has ended, nothing was stored. */
export type Appended = { status: 'stored'; first: number; last: number } | { status: 'closed' }

/** Consecutive events as they are stored. Empty: count 0. */
export interface Page extends Lines {
  /** Nobody else has these bytes: who is done with them may give their memory back. */
  readonly isOwn?: boolean
}

/** The bytes of a page, if nobody else has them. */
export const ownLines = ({ isOwn, lines }: Page): Uint8Array | undefined => (isOwn ? lines : undefined)

/** A page from the store, with the number of the conversation's newest event at that moment. */
export interface StoredPage extends Page {
  readonly head: number
}
