import type { Lines } from '@claude-proxy/protocol/frames'

/** What an append came to. `closed`: the run has ended, nothing was stored. */
export type Appended = { status: 'stored'; first: number; last: number } | { status: 'closed' }

/** Consecutive events as they are stored. Empty: count 0. */
export interface Page extends Lines {
  /** Nobody else has these bytes: who is done with them may give their memory back. */
  readonly isOwn?: boolean
  /** Others get the very same page: what is made of it is worth keeping. */
  readonly isShared?: boolean
}

/** Whose a page is, for those who write it. */
export const PAGE_IS = {
  own: ({ isOwn, lines }: Page): Uint8Array | undefined => (isOwn ? lines : undefined),
  isShared: ({ isShared = false }: Page): boolean => isShared,
}

/** A page from the store, with the number of the conversation's newest event at that moment. */
export interface StoredPage extends Page {
  readonly head: number
}
