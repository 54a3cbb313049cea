import type { RunId } from '@claude-proxy/protocol/ids'

/** What was used of one model. The kinds of tokens are the Messages API's. */
export interface ModelUse {
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheCreationTokens: number
  /** The agent's own estimate; undefined where it gave none. */
  readonly costUsd?: number | undefined
}

/** What the agent said of itself last. What is left out it has not said. */
export interface AgentFacts {
  readonly model?: string
  /** null: it asks the model for none. */
  readonly effort?: string | null
  readonly permissionMode?: string
  readonly version?: string
  /** How much its newest response was about, itself included: what the next one begins with. */
  readonly contextTokens?: number
  /** What the model can hold. */
  readonly contextWindow?: number
  readonly rateLimit?: RateLimit
}

/** How near the account is to a limit of its subscription, as the agent was told last. */
export interface RateLimit {
  /** Such as `allowed`, `allowed_warning` or `rejected`. */
  readonly status: string
  /** Which limit it is, such as `five_hour`. */
  readonly type?: string
  /** How much of it: 1 is all. */
  readonly used?: number
  readonly resetsAt?: number
}

/** What is kept of a run when it ends. */
export interface RunEnding {
  /** `success`, or a code for what went wrong. */
  readonly outcome: string
  /** What went wrong, as a sentence. */
  readonly error?: string | undefined
  readonly usage: readonly ModelUse[]
  readonly facts: AgentFacts
}

/** What a conversation has come to so far. */
export interface Account {
  /** How many runs it had, the open one included. */
  readonly runs: number
  /** What the runs that have ended used, by model. */
  readonly usage: readonly ModelUse[]
  /** The newest run that has ended. */
  readonly newest: RunId | undefined
  /** From the newest run in which the agent spoke. */
  readonly facts: AgentFacts
}

/** Of a run that went wrong. */
export interface RunError {
  readonly run: RunId
  readonly code: string
  readonly message: string
  readonly at: number
}
