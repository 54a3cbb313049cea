import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Attachment, NewAttachment } from './attachment.ts'
import type { Conversation } from './conversation.ts'
import type { ApprovalKind } from './approval.ts'

/** accepted: the prompt is stored, no agent has it yet. running: handed to an agent. ended: its terminal event is stored. */
export type RunState = 'accepted' | 'running' | 'ended'

export interface Run {
  readonly id: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly state: RunState
  readonly begunBy: 'client' | 'agent'
  /** The prompt; empty when the agent began the run. */
  readonly text: string
  /** What came with the prompt. */
  readonly attachments?: readonly Attachment[] | undefined
  readonly options: RunOptions
  /** The number of the run's first event. */
  readonly first: number
  /** The number of the terminal event, once there is one. */
  readonly last: number | undefined
  /** Why somebody asked for its end, as a sentence. It stays so when the run has ended. */
  readonly interruptedBecause?: string | undefined
}

/** What a client may ask of a run. Names as in the request, each checked. */
export interface RunOptions {
  readonly allowedTools?: readonly string[]
  readonly toolApprovals?: { readonly allow: readonly string[]; readonly deny: readonly string[] }
  readonly systemPrompt?: string
  readonly maxTurns?: number
  /** What it may cost, in US dollars. */
  readonly maxBudgetUsd?: number
  readonly model?: string
  readonly effort?: 'low' | 'medium' | 'high' | 'xhigh' | 'max'
  readonly permissionMode?: 'default' | 'acceptEdits' | 'plan' | 'dontAsk' | 'auto' | 'bypassPermissions'
  readonly mcpServers?: Readonly<Record<string, unknown>> | string
  readonly resume?: string
  readonly continueConversation?: boolean
  readonly settings?: Readonly<Record<string, unknown>> | string
  readonly settingSources?: readonly ('user' | 'project' | 'local')[]
  /** How long a question waits for its answer, and what then; for ever without. */
  readonly deadline?: { readonly seconds: number; readonly outcome: 'deny' | 'interrupt' }
  /** What the client can answer besides yes and no. */
  readonly canAnswer?: readonly Exclude<ApprovalKind, 'tool'>[]
}

export interface NewRun {
  readonly id: RunId
  /** The id the client used; an unknown one becomes an alias, or a conversation when the folder has none. */
  readonly name: ConversationId
  /** `name` is the conversation itself, whatever its folder's canonical one is. */
  readonly isOwn?: boolean
  readonly folder: Folder
  readonly cwd: string
  readonly group?: string | undefined
  readonly begunBy: 'client' | 'agent'
  readonly text: string
  /** What the conversation refers to from now on. Their files are kept already. */
  readonly attachments?: readonly NewAttachment[] | undefined
  readonly options: RunOptions
  /** The run's first event, as a line of NDJSON without the newline. */
  readonly line: string
  readonly at: number
  readonly key?: RequestKey | undefined
}

/** `waiting`: the folder is free, but prompts that came earlier wait for it. */
export type Begun =
  | { status: 'begun'; run: Run; conversation: Conversation }
  | { status: 'busy'; run: Run }
  | { status: 'waiting' }
  | { status: 'elsewhere'; folder: Folder }
  | Repeated

/** By what a client knows its request again, and a digest of what the request asks. Keys are one folder's. */
export interface RequestKey {
  readonly key: string
  readonly digest: string
}

/** The key has been used: for the same request, which became `run`; or for another one. */
export type Repeated = { status: 'repeated'; run: RunId } | { status: 'reused' }
