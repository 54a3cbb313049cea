import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { Conversation } from './conversation.ts'

/** A conversation that comes into being with a history. It grows step by step, and nobody sees it before it is whole. */
export type StagedId = string & { readonly __brand: 'StagedId' }

/** What a staged conversation becomes. */
export interface Publication {
  readonly staged: StagedId
  readonly id: ConversationId
  readonly folder: Folder
  readonly cwd: string
  readonly title: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly sessionId: string | undefined
  /** Whose attachments its history refers to, besides theirs. */
  readonly attachmentsOf?: ConversationId | undefined
  /** Refused when the session is another conversation's. */
  readonly ownsSession: boolean
  /** Its last event so far, as a line of NDJSON without the newline. */
  readonly line: string
  readonly at: number
}

/** `taken`: the id is, or was, another's. `owned`: the session is another conversation's. Either way it stays staged. */
export type Published =
  | { status: 'published'; conversation: Conversation }
  | { status: 'taken' }
  | { status: 'owned'; by: ConversationId }

/** Conversations that begin with a history: all of it, or nothing, is there, also after a crash. */
export interface Staging {
  beginStaged(at: number): Promise<StagedId>
  /** `lines` are NDJSON without newlines, at least one. */
  addToStaged(staged: StagedId, lines: readonly string[], at: number): Promise<void>
  /**
   * Copies some of the events that follow those it has, under the same numbers, up to `until`. How many it has
   * then; undefined: `from` does not have them (any more).
   */
  copyToStaged(staged: StagedId, from: ConversationId, until: number): Promise<number | undefined>
  publishStaged(publication: Publication): Promise<Published>
  /** Gives it up. What is left of one after a crash goes by itself. */
  dropStaged(staged: StagedId): Promise<void>
  /** The conversation whose next run resumes this session. */
  conversationOfSession(sessionId: string): Promise<Conversation | undefined>
}
