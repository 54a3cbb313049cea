import type { ConversationId } from '@claude-proxy/protocol/ids'

export interface Clock {
  /** Now, in milliseconds since 1970 UTC. */
  now(): number
}

export interface Log {
  info(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
  /** For who looks for something; not there where nobody does, so that nothing is made for it. */
  debug?(message: string, details?: object): void
}

/** Tells waiting readers that a conversation has grown. Carries no events; a lost ring costs a moment. */
export interface Bell {
  ring(conversation: ConversationId): void
  /** Calls `wake` after each ring, sooner or later; several rings may become one call. */
  listen(conversation: ConversationId, wake: () => void): Disposable
  /** The same for every conversation. `wake` only takes note: it is called in the ring itself. */
  listenAll(wake: (conversation: ConversationId) => void): Disposable
}
