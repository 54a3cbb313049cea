import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'

/** Which conversations may be removed, the one that was active longest ago first. */
export interface AtRestQuery {
  /** Those whose newest run began before. */
  readonly activeBefore: number
  /** Only those put away. */
  readonly isArchived?: true | undefined
  readonly limit: number
}

/**
 * A conversation at rest, which nobody would miss at once: no run is open in it, no prompt waits, nothing waits for a
 * person, and it is not what its folder's names lead to.
 */
export interface AtRest {
  readonly id: ConversationId
  readonly folder: Folder
  readonly title: string | undefined
  readonly activeAt: number
  /** What its events and those attachments take that are its alone. */
  readonly bytes: number
}

/** What all that is kept takes. */
export interface Footprint {
  readonly bytes: number
  /** False while something is being removed that is deleted, and still counted. */
  readonly isSettled: boolean
}
