import type { ApprovalId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Lines } from '@claude-proxy/protocol/frames'
import type { EventPayload, ResultPayload } from '@claude-proxy/protocol/events'
import type { PromptState } from './runs/prompt-machine.ts'

/** Everything the product needs from outside, on one page. */

// ---------------------------------------------------------------------------------------------- Clock

export interface Clock {
  /** Now, in milliseconds since 1970 UTC. */
  now(): number
}

// ---------------------------------------------------------------------------------------------- Log

export interface Log {
  info(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
}

// ---------------------------------------------------------------------------------------------- Bell

/** Tells waiting readers that a conversation has grown. Carries no events; a lost ring costs a moment. */
export interface Bell {
  ring(conversation: ConversationId): void
  /** Calls `wake` after each ring, sooner or later; several rings may become one call. */
  listen(conversation: ConversationId, wake: () => void): Disposable
}

// ---------------------------------------------------------------------------------------------- Store

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
}

/** Which conversations, newest activity first. `before`: those that come after this one in that order. */
export interface ConversationFilter {
  readonly folder?: Folder | undefined
  readonly isArchived?: boolean | undefined
  readonly before?: { readonly activeAt: number; readonly id: ConversationId } | undefined
  readonly limit: number
}

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
  readonly model?: string
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

/** What a name that a client uses leads to. */
export interface Resolved {
  /** The folder's canonical conversation: what the name stands for today. */
  readonly conversation: Conversation
  /** Whether the name is that conversation's own id. */
  readonly isOwn: boolean
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

// -- Requests that may come twice

/** By what a client knows its request again, and a digest of what the request asks. Keys are one folder's. */
export interface RequestKey {
  readonly key: string
  readonly digest: string
}

/** The key has been used: for the same request, which became `run`; or for another one. */
export type Repeated = { status: 'repeated'; run: RunId } | { status: 'reused' }

// -- Prompts that came while their folder was busy

export interface Prompt {
  /** Also the id of the run that it becomes. */
  readonly id: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly state: PromptState
  readonly text: string
  readonly options: RunOptions
  /** The number of the event that told of it first. */
  readonly first: number
  /** The number of the event that told of its cancellation. */
  readonly last: number | undefined
  /** The run it was steered into last. */
  readonly into: RunId | undefined
  readonly at: number
}

/** A prompt to keep. `into`: the run that it is to be steered into; otherwise it is queued, `isFirst` before all others. */
export interface NewPrompt extends Omit<NewRun, 'begunBy'> {
  readonly into?: RunId | undefined
  readonly isFirst?: boolean
}

/** `closed`: the run cannot be steered. `full`: too many wait already. Either way nothing was stored. */
export type Added =
  | { status: 'added'; prompt: Prompt; conversation: Conversation }
  | { status: 'closed' }
  | { status: 'full' }
  | { status: 'elsewhere'; folder: Folder }
  | Repeated

/** Something that happens to a prompt, with the event that tells of it. `place`: from 1, in its conversation's queue. */
export type PromptChange = { readonly id: RunId; readonly line: string; readonly at: number } & (
  | { readonly input: 'edit'; readonly text?: string | undefined; readonly place?: number | undefined }
  | { readonly input: 'steer'; readonly into: RunId }
  | { readonly input: 'cancel' | 'drop' | 'taken' | 'missed' }
)

/** `refused`: its state does not allow it, nothing was stored. `number`: of the event. */
export type Changed =
  | { status: 'changed'; prompt: Prompt; number: number }
  | { status: 'refused'; prompt: Prompt }
  | { status: 'unknown' }

/** `changed`: it is not what was to begin any more. */
export type PromptBegun =
  | { status: 'begun'; run: Run; conversation: Conversation }
  | { status: 'busy'; run: Run }
  | { status: 'changed' }

export type Activated =
  | { status: 'activated'; previous: ConversationId | undefined }
  | { status: 'busy'; run: Run }
  | { status: 'elsewhere'; folder: Folder }

/** What a deletion came to. `busy`: a run is open in the conversation, nothing was changed. */
export type Deleted = { status: 'deleted' } | { status: 'busy'; run: Run } | { status: 'unknown' }

/** What an append came to. `closed`: the run has ended, nothing was stored. */
export type Appended = { status: 'stored'; first: number; last: number } | { status: 'closed' }

/** Consecutive events as they are stored. Empty: count 0. */
export interface Page extends Lines {
  /** Nobody else has these bytes: who is done with them may give their memory back. */
  readonly isOwn?: boolean
}

/** A page from the store, with the number of the conversation's newest event at that moment. */
export interface StoredPage extends Page {
  readonly head: number
}

// ---- Approvals

export type ApprovalKind = 'tool' | 'question' | 'plan' | 'elicitation'

/** pending: waits for a person. expired: its deadline came first. cancelled: nobody wants to know any more. */
export type ApprovalState = 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled'

/** What the agent asks, as the person is shown it. */
export interface ApprovalRequest {
  readonly kind: ApprovalKind
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  readonly toolUseId: string | undefined
  /** Rules the agent suggests, each as JSON. Shown, never applied. */
  readonly suggestions: readonly string[]
  readonly blockedPath: string | undefined
  /** What "always allow" stores; empty where there is no such rule. */
  readonly rules: readonly string[]
}

export interface NewApproval {
  readonly id: ApprovalId
  readonly request: ApprovalRequest
  readonly askedAt: number
  readonly deadline: number | undefined
}

/** How a question was settled, when and by whom: a client by the name it gives itself, else what happened. */
export interface Settlement {
  readonly decision: PermissionDecision
  readonly by: string
  readonly at: number
}

export interface Approval extends NewApproval {
  readonly conversation: ConversationId
  readonly run: RunId
  readonly state: ApprovalState
  /** Its run was cut off before the agent had the answer. */
  readonly carried: boolean
  readonly settlement: Settlement | undefined
}

/** `line`: the event that says so, stored with it. */
export interface SettleApproval {
  readonly id: ApprovalId
  readonly state: Exclude<ApprovalState, 'pending'>
  readonly settlement: Settlement
  readonly line: string
  /** Rules that the person wants to be kept. */
  readonly remember?: readonly NewApprovalRule[]
}

/** `first`: the number of the event. `already`: somebody was sooner; nothing was changed. */
export type Settled =
  | { status: 'settled'; approval: Approval; first: number }
  | { status: 'already'; approval: Approval }
  | { status: 'unknown' }

export interface NewApprovalRule {
  readonly id: string
  readonly scope: 'session' | 'project'
  readonly rule: string
}

export interface ApprovalRule extends NewApprovalRule {
  readonly conversation: ConversationId
  readonly folder: Folder
  /** The question that it was the answer to. */
  readonly approval: ApprovalId
  readonly at: number
}

/** A process of an agent's. `startedAt` is the operating system's own mark, so that a reused pid is not taken for it. */
export interface AgentProcess {
  readonly pid: number
  readonly startedAt: string
}

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

/**
 * Where everything is kept. Each method is one transaction: it happens whole or not at all, and when its promise
 * resolves, the change survives `kill -9` and power loss. Numbers of events are given here and nowhere else.
 */
export interface Store {
  /** The conversation with this very id, canonical or not. */
  conversation(id: ConversationId): Promise<Conversation | undefined>
  /** Follows a name (own id or alias) to its folder's canonical conversation. */
  resolve(name: ConversationId): Promise<Resolved | undefined>
  canonical(folder: Folder): Promise<Conversation | undefined>
  conversations(filter: ConversationFilter): Promise<Conversation[]>
  /** A new conversation beside its folder's canonical one. Undefined when its id is taken, or was. */
  createConversation(input: {
    id: ConversationId
    folder: Folder
    cwd: string
    title: string | undefined
    at: number
  }): Promise<Conversation | undefined>
  /** Changes what is given. Undefined when there is no such conversation. */
  changeConversation(
    id: ConversationId,
    facts: { readonly title?: string | undefined; readonly isArchived?: boolean | undefined },
  ): Promise<Conversation | undefined>
  /** The folder's canonical conversation; `id` becomes it when there is none. */
  ensureCanonical(input: {
    id: ConversationId
    folder: Folder
    cwd: string
    group?: string | undefined
    at: number
  }): Promise<{ conversation: Conversation; created: boolean }>
  /** Makes `id` its folder's canonical conversation; creates it when it is unknown or was only an alias. */
  activate(input: {
    id: ConversationId
    folder: Folder
    cwd: string
    group?: string | undefined
    at: number
  }): Promise<Activated>
  /** Sets the agent session that the conversation's next run resumes. */
  setSession(id: ConversationId, sessionId: string, at: number): Promise<void>
  /**
   * Deletes a conversation with all its events and runs, unless a run is open in it. If it was its folder's, the folder
   * has none afterwards, and the names that led to it lead nowhere. Neither its id nor those names are given out again:
   * whoever begins or activates under one of them hears `conversation_unknown`.
   */
  deleteConversation(id: ConversationId): Promise<Deleted>

  /** Stores run and first event together, if no run is open in the folder. Refused, it leaves no trace. */
  beginRun(run: NewRun): Promise<Begun>
  /** accepted → running. False when it was not `accepted`: somebody else has it. */
  claimRun(id: RunId): Promise<boolean>
  /** Stores events of an open run, and the questions among them; `lines` are NDJSON without newlines, at least one. */
  append(run: RunId, lines: readonly string[], at: number, asked?: readonly NewApproval[]): Promise<Appended>
  /** Stores the last events of a run, the terminal one at the end, closes the run and frees its folder. */
  endRun(run: RunId, lines: readonly string[], at: number): Promise<Appended>
  /** Notes that the run is to end, and why; the first reason stays. No agent gets it any more. Undefined: it has ended. */
  interruptRun(id: RunId, because: string): Promise<Run | undefined>
  run(id: RunId): Promise<Run | undefined>
  openRun(folder: Folder): Promise<Run | undefined>
  openRuns(): Promise<Run[]>

  /** Stores a prompt and the event that tells of it; the name means what it means to `beginRun`. */
  addPrompt(prompt: NewPrompt): Promise<Added>
  /** Does to a prompt what its state allows (`prompt-machine.ts`), and stores the event that tells of it. */
  changePrompt(change: PromptChange): Promise<Changed>
  /** Makes a queued prompt a run, if no run is open in its folder and its text is still `text`. */
  beginPrompt(begin: { id: RunId; text: string; line: string; at: number }): Promise<PromptBegun>
  prompt(id: RunId): Promise<Prompt | undefined>
  /** The folder's queue, in the order in which it will be served. */
  queuedPrompts(folder: Folder): Promise<Prompt[]>
  queuedFolders(): Promise<Folder[]>
  /** The prompts that were given to `run`, or to any, and not taken yet; the oldest first. */
  steeringPrompts(run?: RunId): Promise<Prompt[]>

  /** What the folder knows of a request's key. */
  requestOf(folder: Folder, key: RequestKey): Promise<Repeated | undefined>
  /** Remembers that the request came to this run, unless its key is known. */
  rememberRequest(input: { folder: Folder; key: RequestKey; run: RunId; at: number }): Promise<void>
  /** Forgets some keys that are older than `before`; how many. 0: there are none left. */
  forgetRequests(before: number): Promise<number>

  /** Events after `after`, about `atMostBytes` of them but at least one if there is one. */
  page(conversation: ConversationId, after: number, atMostBytes: number): Promise<StoredPage>

  approval(id: ApprovalId): Promise<Approval | undefined>
  /** Newest last, at most `limit` of those before `before`. */
  approvals(filter: {
    readonly conversation?: ConversationId | undefined
    readonly isPending?: boolean
    readonly isCarried?: boolean
    readonly limit: number
  }): Promise<Approval[]>
  /** pending → another state, once. */
  settleApproval(input: SettleApproval): Promise<Settled>
  /** Marks what a run that was cut off leaves behind: what is pending, and what was answered of these tool calls. */
  carryApprovals(run: RunId, toolUseIds: readonly string[]): Promise<void>
  /** The agent has the answer, or needs it no more. False when it was not carried. */
  dropCarried(id: ApprovalId): Promise<boolean>
  /** The rules that hold in a conversation or a folder; without either, all. */
  approvalRules(where: {
    conversation?: ConversationId | undefined
    folder?: Folder | undefined
  }): Promise<ApprovalRule[]>
  /** False when there is no such rule. */
  removeApprovalRule(id: string): Promise<boolean>

  /** Remembers the agent processes that are alive, so that the next start finds what a crash left behind. */
  addProcess(process: AgentProcess): Promise<void>
  removeProcess(process: AgentProcess): Promise<void>
  processes(): Promise<AgentProcess[]>

  /** Takes in a conversation that came from elsewhere. False when its id is already known: nothing is changed. */
  importConversation(conversation: ImportedConversation): Promise<boolean>

  close(): Promise<void>
}

// ---------------------------------------------------------------------------------------------- Agent

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
  /** Ends all processes: asks, waits, kills. */
  close(): Promise<void>
}

export interface Preparation {
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly options: RunOptions
  /** The session that the prompt will resume. */
  readonly sessionId: string | undefined
}

export interface Job {
  readonly run: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly text: string
  readonly options: RunOptions
  /** The session to resume; undefined begins a new one. */
  readonly sessionId: string | undefined
  /** Whether the client has forbidden this tool altogether, also where the agent would not ask. */
  forbids(tool: string): boolean
}

export interface Work extends AsyncIterable<Happening> {
  /** Stops the work; it still ends with one `end`. `all`: and then whatever lives in its background. Asks, and does not wait. */
  interrupt(reason: string, scope?: 'turn' | 'all'): void
  /**
   * Gives the turn that is under way another prompt. A `steered` tells what became of it; a work that ends without one
   * has not taken it. False: it cannot be steered now, and has done nothing.
   */
  steer(prompt: RunId, text: string): boolean
  /** Whether it can be steered now. */
  readonly isSteerable: boolean
  /** Ends a work that only waits for background tasks. True when it did. */
  endSettling(): boolean
}

export type Happening =
  | { kind: 'event'; payload: EventPayload }
  | { kind: 'session'; sessionId: string }
  | { kind: 'steered'; prompt: RunId; outcome: 'taken' | 'missed' }
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

/** `updatedInput` replaces the call's input; `interrupt` ends the turn. */
export type PermissionDecision =
  | { readonly behavior: 'allow'; readonly updatedInput?: Readonly<Record<string, unknown>> }
  | { readonly behavior: 'deny'; readonly message: string; readonly interrupt?: boolean }
