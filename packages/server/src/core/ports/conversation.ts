import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { Run } from './run.ts'
import type { Settings } from './settings.ts'

export interface Conversation {
  readonly id: ConversationId
  readonly folder: Folder
  /** The folder as its client first spelled it. */
  readonly cwd: string
  readonly group: string | undefined
  /** The agent's own session, to be resumed by the next run. */
  readonly sessionId: string | undefined
  /** The number of the last event; 0 when there is none. */
  readonly head: number
  readonly createdAt: number
  readonly updatedAt: number
  /** The beginning of its first prompt, until somebody gives it another. */
  readonly title: string | undefined
  readonly isArchived: boolean
  /** When its newest run began. */
  readonly activeAt: number
  /** What a person marked it with, in the order in which they gave it; none twice. */
  readonly tags: readonly string[]
  /** As they were kept: some of them may hold no longer. */
  readonly settings?: Settings | undefined
}

/** What a person may change about a conversation. */
export interface ConversationFacts {
  readonly title?: string | undefined
  readonly isArchived?: boolean | undefined
  readonly tags?: readonly string[] | undefined
}

/** What a conversation does now: `waiting` for a person, whether or not a run is open meanwhile. */
export type ConversationState = 'idle' | 'running' | 'waiting'

/** A place in the list of all conversations. */
export interface ConversationPosition {
  readonly activeAt: number
  readonly id: ConversationId
}

/** Which conversations, newest activity first. `before`: those that come after this one in that order. */
export interface ConversationFilter {
  readonly folder?: Folder | undefined
  readonly isArchived?: boolean | undefined
  readonly tag?: string | undefined
  readonly state?: ConversationState | undefined
  /** Only these. */
  readonly among?: readonly ConversationId[] | undefined
  /** Only in these folders and below. */
  readonly within?: readonly string[] | undefined
  readonly before?: ConversationPosition | undefined
  readonly limit: number
}

/** What a name that a client uses leads to. */
export interface Resolved {
  /** The folder's canonical conversation: what the name stands for today. */
  readonly conversation: Conversation
  /** Whether the name is that conversation's own id. */
  readonly isOwn: boolean
}

export type Activated =
  | { status: 'activated'; previous: ConversationId | undefined }
  | { status: 'busy'; run: Run }
  | { status: 'elsewhere'; folder: Folder }

/** What a deletion came to. `busy`: a run is open in the conversation, nothing was changed. */
export type Deleted = { status: 'deleted' } | { status: 'busy'; run: Run } | { status: 'unknown' }

/** One conversation of another installation, ids and numbers kept. */
export interface ImportedConversation {
  readonly id: ConversationId
  readonly folder: Folder
  readonly cwd: string
  readonly group: string | undefined
  readonly sessionId: string | undefined
  readonly createdAt: number
  readonly updatedAt: number
  /** Its events as lines of NDJSON without newlines; line n is event n. */
  readonly lines: readonly string[]
  /** Whether it becomes its folder's conversation. */
  readonly canonical: boolean
}
