import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { Conversation } from './conversation.ts'

/** A conversation that comes into being with a history. It grows step by step, and nobody sees it before it is whole. */
export type DraftId = string & { readonly __brand: 'DraftId' }

/** What a draft becomes. */
export interface Publication {
  readonly draft: DraftId
  readonly id: ConversationId
  readonly folder: Folder
  readonly cwd: string
  readonly title: string | undefined
  readonly sessionId: string | undefined
  /** Refused when the session is another conversation's. */
  readonly ownsSession: boolean
  /** Its last event so far, as a line of NDJSON without the newline. */
  readonly line: string
  readonly at: number
}

/** `taken`: the id is, or was, another's. `owned`: the session is another conversation's. Either way the draft stays one. */
export type Published =
  | { status: 'published'; conversation: Conversation }
  | { status: 'taken' }
  | { status: 'owned'; by: ConversationId }

/** Conversations that begin with a history: all of it, or nothing, is there, also after a crash. */
export interface Drafts {
  beginDraft(at: number): Promise<DraftId>
  /** `lines` are NDJSON without newlines, at least one. */
  addToDraft(draft: DraftId, lines: readonly string[], at: number): Promise<void>
  /**
   * Copies some of the events that follow those the draft has, under the same numbers, up to `until`. How many it has
   * then; undefined: `from` does not have them (any more).
   */
  copyToDraft(draft: DraftId, from: ConversationId, until: number): Promise<number | undefined>
  publishDraft(publication: Publication): Promise<Published>
  /** Gives the draft up. What is left of one after a crash goes by itself. */
  dropDraft(draft: DraftId): Promise<void>
  /** The conversation whose next run resumes this session. */
  conversationOfSession(sessionId: string): Promise<Conversation | undefined>
}
