import type { ApprovalId, AttachmentId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { FeedPlace } from '@claude-proxy/protocol/feed'
import type {
  Conversation,
  ConversationFacts,
  ConversationFilter,
  Resolved,
  Activated,
  Deleted,
  ImportedConversation,
} from './conversation.ts'
import type { AccessStore } from './access.ts'
import type { Account, RunEnding, RunError } from './account.ts'
import type { Run, NewRun, Begun, RequestKey, Repeated } from './run.ts'
import type { Prompt, NewPrompt, Added, PromptChange, Changed, PromptBegun } from './prompt.ts'
import type { Appended, StoredPage } from './event.ts'
import type { FeedPage } from './feed.ts'
import type { NewApproval, Approval, SettleApproval, Settled, ApprovalRule } from './approval.ts'
import type { UsageQuery, UsageSum } from './usage.ts'
import type { AtRest, AtRestQuery, Footprint } from './retention.ts'
import type { SettingsChange, SettingsChanged } from './settings.ts'
import type { AgentProcess } from './agent.ts'
import type { Staging } from './staging.ts'
import type { Attachment, Unused } from './attachment.ts'
import type { Load } from './load.ts'

/**
 * Where everything is kept. Each method is one transaction: it happens whole or not at all, and when its promise
 * resolves, the change survives `kill -9` and power loss. Numbers of events are given here and nowhere else.
 */
export interface Store extends Staging, AccessStore {
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
    tags?: readonly string[]
    at: number
  }): Promise<Conversation | undefined>
  /** Changes what is given. Undefined when there is no such conversation. */
  changeConversation(id: ConversationId, facts: ConversationFacts): Promise<Conversation | undefined>
  /** Keeps other settings, if they are what they were, and the event that tells of it. */
  changeSettings(change: SettingsChange): Promise<SettingsChanged>
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
  /** Conversations that may be deleted without anybody being amid something. */
  atRest(query: AtRestQuery): Promise<AtRest[]>
  /** Deletes a conversation that is at rest, and was not active since. False: it is not, nothing was changed. */
  pruneConversation(id: ConversationId, activeBefore: number): Promise<boolean>
  footprint(): Promise<Footprint>

  /** Stores run and first event together, if no run is open in the folder. Refused, it leaves no trace. */
  beginRun(run: NewRun): Promise<Begun>
  /** accepted → running. False when it was not `accepted`: somebody else has it. */
  claimRun(id: RunId): Promise<boolean>
  /** Stores events of an open run, and the questions among them; `lines` are NDJSON without newlines, at least one. */
  append(run: RunId, lines: readonly string[], at: number, asked?: readonly NewApproval[]): Promise<Appended>
  /** Stores the last events of a run, the terminal one at the end, closes the run, keeps its ending and frees its folder. */
  endRun(run: RunId, lines: readonly string[], at: number, ending?: RunEnding): Promise<Appended>
  /** Notes that the run is to end, and why; the first reason stays. No agent gets it any more. Undefined: it has ended. */
  interruptRun(id: RunId, because: string): Promise<Run | undefined>
  run(id: RunId): Promise<Run | undefined>
  /** What the conversation's runs have come to; undefined when there is no such conversation. */
  account(id: ConversationId): Promise<Account | undefined>
  /** Of the conversation's newest run that went wrong, unless one has ended well since; what was stopped is neither. */
  lastError(id: ConversationId): Promise<RunError | undefined>
  /** What runs that have ended used, added up. Also when their conversations are deleted. */
  usage(query: UsageQuery): Promise<UsageSum[]>
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

  /**
   * Events of all conversations, or of some, after a place, or from the beginning: those of a commit together, commit
   * after commit. About `atMostBytes` of them; fewer where it takes long to find them. A deleted conversation has none.
   */
  feed(
    after: FeedPlace | undefined,
    conversations: readonly ConversationId[] | undefined,
    atMostBytes: number,
  ): Promise<FeedPage>
  /** The place behind all that is stored. */
  feedHead(): Promise<FeedPlace>
  /** Whether the place was given out by this store, and all that lay before it then still does. */
  feedKnows(place: FeedPlace): Promise<boolean>

  approval(id: ApprovalId): Promise<Approval | undefined>
  /** Newest last, at most `limit` of those before `before`. */
  approvals(filter: {
    readonly conversation?: ConversationId | undefined
    readonly isPending?: boolean
    readonly isCarried?: boolean
    /** Only of conversations in these folders and below. */
    readonly within?: readonly string[] | undefined
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

  /** Remembers what was uploaded, and by whom, until a prompt uses it: `beginRun` and `addPrompt` with it. */
  addUpload(attachment: Attachment, at: number, by: string): Promise<void>
  /** What was uploaded, or is referred to by a conversation. */
  attachment(id: AttachmentId): Promise<Attachment | undefined>
  /** The folders of the conversations that refer to it; none before a prompt has used it. */
  foldersOf(id: AttachmentId): Promise<Folder[]>
  /** How much was uploaded that no prompt has used: by all, and by one. */
  unusedUploads(by: string): Promise<{ readonly all: Unused; readonly own: Unused }>
  /**
   * Forgets some of what was uploaded before `before` and never used, and of what only deleted conversations referred
   * to. None: there is no more. Whoever asks removes their files.
   */
  removeUnusedAttachments(before: number): Promise<AttachmentId[]>

  /** Remembers the agent processes that are alive, so that the next start finds what a crash left behind. */
  addProcess(process: AgentProcess): Promise<void>
  removeProcess(process: AgentProcess): Promise<void>
  processes(): Promise<AgentProcess[]>

  /** Takes in a conversation that came from elsewhere. False when its id is already known: nothing is changed. */
  importConversation(conversation: ImportedConversation): Promise<boolean>

  /** Stores an event that is no run's. Its number; undefined: there is no such conversation. */
  addNote(conversation: ConversationId, line: string, at: number): Promise<number | undefined>
  /** How much is under way. */
  load(): Promise<Load>
  /**
   * Resolves when it can keep more: what reads answers, what writes does, and the disk takes something. `freeBytes`: what
   * the disk has left; undefined where nothing is kept on one.
   */
  check(): Promise<{ readonly freeBytes: number | undefined }>

  close(): Promise<void>
}
