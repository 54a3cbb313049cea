import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { EventPayload, FileChanges, MediaType, ResultPayload } from '@claude-proxy/protocol/events'
import type { Attachment } from './attachment.ts'
import type { AgentFacts, ModelUse } from './account.ts'
import type { Adjusted, Adjustments } from './settings.ts'
import type { RunOptions } from './run.ts'
import type { Sessions } from './sessions.ts'
import type { ApprovalKind, PermissionDecision } from './approval.ts'
import type { PartialUpdate } from './partial.ts'

/** A process of an agent's. `startedAt` is the operating system's own mark, so that a reused pid is not taken for it. */
export interface AgentProcess {
  readonly pid: number
  readonly startedAt: string
}

/** Something that can work on a prompt: the real Claude Code, or the scripted stand-in. */
export interface Agent {
  readonly name: 'claude' | 'scripted'
  /** Why a run cannot work now, as a sentence with what to do about it; undefined when it can. */
  unready(): Promise<string | undefined>
  /** Starts working. Everything that happens comes out of the returned work, in order, ending with one `end`. */
  work(job: Job): Work
  /** Called when an agent that was at rest begins to work by itself. The host answers by taking its work or not. */
  onWake(listener: (wake: Wake) => void): void
  /** Makes a process ready for a prompt that may come, if there is room. Says nothing when it does not. */
  prepare(preparation: Preparation): void
  /** Ends the process that rests in the conversation, and all it has begun. True when there was one. */
  endBackground(conversation: ConversationId): boolean
  /** Puts the files back as they were when it got a prompt. Nothing else may work in the folder meanwhile. */
  rewind(rewind: Rewind): Promise<Rewound>
  /** What it keeps of its conversations by itself. */
  readonly sessions: Sessions
  /**
   * Changes what the conversation's process works with, if there is one, also amid a run. Throws `setting_refused` when
   * the agent does not take it; then all is as before.
   */
  adjust(conversation: ConversationId, changes: Adjustments): Promise<Adjusted>
  /** What its processes hold now; nothing where it has none. */
  load(): Promise<AgentLoad>
  /** Ends all processes: asks, waits, kills. */
  close(): Promise<void>
}

export interface AgentLoad {
  /** Processes with a run, or about to get one, and warm ones. */
  readonly working: number
  readonly resting: number
  /** Memory of the agents themselves, without what they began. */
  readonly bytes: number
}

export interface Preparation {
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly options: RunOptions
  /** The session that the prompt will resume. */
  readonly sessionId: string | undefined
}

export interface Rewind {
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly sessionId: string
  /** The prompt, as the agent calls it. */
  readonly prompt: string
  /** Only says what it would do. */
  readonly isDryRun: boolean
}

/** `no_checkpoint`: it does not know how the files were then; `why` is a sentence. Nothing was changed. */
export type Rewound = { status: 'rewound'; changes: FileChanges } | { status: 'no_checkpoint'; why: string }

export interface Job {
  readonly run: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly text: string
  /** What came with the prompt. */
  readonly attached?: readonly Attached[]
  readonly options: RunOptions
  /** The session to resume; undefined begins a new one. */
  readonly sessionId: string | undefined
  /** The newest message of that session that the conversation has, as the agent calls it; undefined when that is not known. */
  readonly newestMessage?: string | undefined
  /** Whether the client has forbidden this tool altogether, also where the agent would not ask. */
  forbids(tool: string): boolean
}

/** Something that came with a prompt. */
export interface Attached extends Pick<Attachment, 'name' | 'mediaType' | 'bytes'> {
  /** Its bytes, read now: nobody holds them until then. */
  readonly read: () => Promise<Uint8Array>
}

export interface Work extends AsyncIterable<Happening> {
  /** Stops the work; it still ends with one `end`. `all`: and then whatever lives in its background. Asks, and does not wait. */
  interrupt(reason: string, scope?: 'turn' | 'all'): void
  /**
   * Gives the turn that is under way another prompt. A `steered` tells what became of it; a work that ends without one
   * has not taken it. False: it cannot be steered now, and has done nothing.
   */
  steer(prompt: RunId, text: string, attached?: readonly Attached[]): boolean
  /** Whether it can be steered now. */
  readonly isSteerable: boolean
  /** Whether what is of this kind arrives with a prompt that steers it. */
  steersWith(mediaType: MediaType): boolean
  /** Ends a work that only waits for background tasks. True when it did. */
  endSettling(): boolean
}

export type Happening =
  | { kind: 'event'; payload: EventPayload }
  /** Something to look at until the event comes that holds it. */
  | { kind: 'partial'; update: PartialUpdate }
  | { kind: 'session'; sessionId: string }
  | { kind: 'steered'; prompt: RunId; outcome: 'taken' | 'missed' }
  /** What it says of itself. */
  | { kind: 'facts'; facts: AgentFacts }
  /** What it has used since it said so last. */
  | { kind: 'usage'; usage: readonly ModelUse[] }
  /** It has changed its permission mode by itself. */
  | { kind: 'mode'; from: string; to: string }
  /** It only waits for its background from now on. */
  | { kind: 'settling' }
  /** The agent waits until `answer` is called, or until `signal` aborts because it no longer wants to know. */
  | {
      kind: 'ask'
      request: PermissionRequest
      signal: AbortSignal
      answer: (decision: PermissionDecision) => void
    }
  /** The last thing: the payload of the terminal event. */
  | { kind: 'end'; result: ResultPayload }

/** An agent at rest has begun to work in a conversation. */
export interface Wake {
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly options: RunOptions
  /** Takes the work as a run of its own. */
  take(job: Job): Work
  /** Another run has the folder: the agent has to stop. */
  refuse(): void
}

export interface PermissionRequest {
  readonly tool: string
  readonly input: Record<string, unknown>
  /** Rules the agent suggests for "always allow", each as JSON. */
  readonly suggestions: readonly string[]
  readonly blockedPath: string | undefined
  readonly toolUseId: string | undefined
  readonly kind: ApprovalKind
  /** Whether the agent lets it be allowed for good. */
  readonly isRememberable: boolean
}
