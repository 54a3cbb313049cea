import type { ErrorCode } from '@claude-proxy/protocol/errors'
import type { ModelUse, RateLimit } from './account.ts'

/**
 * What the service counts of what it does. Told on hot paths: nothing is made of a call, numbers are added. What can be
 * looked up when somebody asks, as how many runs are open, is not told here.
 */
export interface Metrics {
  eventsStored(count: number): void
  runEnded(outcome: string, usage: readonly ModelUse[]): void
  /** An agent has said its first word of a run, so long after it got the prompt. cold: its process had to start. */
  agentBegan(how: 'cold' | 'warm', ms: number): void
  /** The agent was told how near its account is to a limit. */
  rateLimited(limit: RateLimit): void
  /** A transaction is on the disk. */
  committed(ms: number): void
  /** Events went to the socket of an event stream. */
  bytesSent(bytes: number): void
  requestFailed(code: ErrorCode): void
}

/** For who does not count. */
export const UNCOUNTED: Metrics = {
  eventsStored() {},
  runEnded() {},
  agentBegan() {},
  rateLimited() {},
  committed() {},
  bytesSent() {},
  requestFailed() {},
}
