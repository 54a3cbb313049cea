import type { ApprovalId, AttachmentId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { AuditEntry, Token, TokenId } from '../../core/ports/access.ts'
import type { AgentProcess } from '../../core/ports/agent.ts'
import type { Approval, ApprovalRule } from '../../core/ports/approval.ts'
import type { Attachment } from '../../core/ports/attachment.ts'
import type { Conversation } from '../../core/ports/conversation.ts'
import type { StagedId } from '../../core/ports/staging.ts'
import type { ModelUse, RunEnding } from '../../core/ports/account.ts'
import type { Prompt } from '../../core/ports/prompt.ts'
import type { Run } from '../../core/ports/run.ts'

/** All that the store knows. Records are replaced, never changed: a caller may keep what it got. */
export interface State {
  readonly conversations: Map<ConversationId, Conversation>
  /** The canonical conversation of each folder. */
  readonly folders: Map<Folder, ConversationId>
  /** Ids of conversations that were deleted, and names that led to them. */
  readonly deleted: Set<ConversationId>
  readonly aliases: Map<ConversationId, Folder>
  readonly runs: Map<RunId, Run>
  /** What runs came to, and when. */
  readonly endings: Map<RunId, RunEnding & { readonly at: number }>
  /** When runs began. */
  readonly begunAt: Map<RunId, number>
  /** What runs have used, also those of conversations that are gone. */
  readonly used: UsedRun[]
  /** Lines with their newlines; event n is at n - 1. */
  readonly events: Map<ConversationId, Buffer[]>
  /** All appends, in their order: the feed. */
  readonly commits: { readonly conversation: ConversationId; readonly first: number; readonly count: number }[]
  /** In the order in which they were asked. */
  readonly approvals: Map<ApprovalId, Approval>
  readonly rules: Map<string, ApprovalRule>
  readonly processes: Map<string, AgentProcess>
  readonly prompts: Map<RunId, Prompt>
  /** The queued prompts of each folder, in order. */
  readonly queues: Map<Folder, readonly RunId[]>
  /** The lines of conversations that are not whole yet, with their newlines. */
  readonly staged: Map<StagedId, Buffer[]>
  /** By folder and key. */
  readonly requests: Map<string, { readonly digest: string; readonly run: RunId; readonly at: number }>
  /** With the conversations that refer to each; none, and nobody has used it yet. */
  readonly attachments: Map<
    AttachmentId,
    {
      readonly attachment: Attachment
      readonly uploadedAt: number
      /** Who uploaded it; undefined for what came with a prompt. */
      readonly by: string | undefined
      readonly conversations: Set<ConversationId>
    }
  >
  /** What only deleted conversations referred to, until its file is removed. */
  readonly unreferred: AttachmentId[]
  readonly tokens: Map<TokenId, { readonly token: Token; readonly digest: string }>
  /** What was done, and how many numbers were given. */
  readonly audit: { entries: AuditEntry[]; given: number }
}

/** What a run came to. `slot`: the quarter of an hour in which it ended. */
export interface UsedRun {
  readonly slot: number
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly outcome: string
  readonly durationMs: number
  readonly usage: readonly ModelUse[]
}

export function emptyState(): State {
  return {
    conversations: new Map(),
    folders: new Map(),
    deleted: new Set(),
    aliases: new Map(),
    runs: new Map(),
    endings: new Map(),
    begunAt: new Map(),
    used: [],
    events: new Map(),
    commits: [],
    approvals: new Map(),
    rules: new Map(),
    processes: new Map(),
    prompts: new Map(),
    queues: new Map(),
    staged: new Map(),
    requests: new Map(),
    attachments: new Map(),
    unreferred: [],
    tokens: new Map(),
    audit: { entries: [], given: 0 },
  }
}
