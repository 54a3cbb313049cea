import type { Folder } from '@claude-proxy/protocol/ids'

/**
 * What the agent keeps of its conversations by itself, one session each, also of those that were begun without this
 * service. Looking at sessions starts no agent.
 */
export interface Sessions {
  /** The sessions that were begun in the folder, the one that was used last first. */
  list(folder: Folder, page: { readonly after: SessionMark | undefined; readonly limit: number }): Promise<SessionPage>
  /** Undefined: the folder has no such session. */
  find(folder: Folder, id: string): Promise<AgentSession | undefined>
  /** Its history as events, lines of NDJSON without newlines, some at a time. Throws `AppError` when it cannot be read. */
  read(folder: Folder, id: string): AsyncIterable<readonly string[]>
  /** Makes another session of what a session held after one of its messages, or at its end. */
  fork(request: ForkRequest): Promise<Forked>
}

export interface AgentSession {
  readonly id: string
  readonly title: string | undefined
  readonly firstPrompt: string | undefined
  readonly gitBranch: string | undefined
  readonly beganAt: number | undefined
  readonly usedAt: number
  readonly bytes: number
  /** Whether something besides this service has it open, as far as that can be seen. */
  readonly isInUse: boolean
}

/** A place in the order of `list`. */
export interface SessionMark {
  readonly usedAt: number
  readonly id: string
}

export interface SessionPage {
  readonly sessions: readonly AgentSession[]
  /** Where the next page begins; undefined after the last. */
  readonly next: SessionMark | undefined
}

export interface ForkRequest {
  readonly folder: Folder
  readonly session: string
  readonly title: string
  /** The message to end with, as its event names it (`uuid`); undefined takes all. */
  readonly at: string | undefined
  /** Other messages: which of them could be the end is told when `at` cannot. */
  readonly others: readonly string[]
}

/** `uncut`: the session does not end anywhere at `at`; `possible` are those of the others at which it could. */
export type Forked =
  | { status: 'forked'; session: string }
  | { status: 'uncut'; possible: readonly string[] }
  | { status: 'unknown' }
