import type { z } from 'zod'

/** What `requests.ts` offers. Only named here: loading it costs more than all the rest of this package. */
export type SchemaName = keyof typeof import('./requests.ts')

/**
 * Answers that are no JSON of ours: events as they happen (SSE), of one conversation or of many, stored events as lines
 * (NDJSON), a page of HTML, a document in the format that was asked for, bytes of a file, what is measured.
 */
export type StreamName = 'events' | 'feed' | 'lines' | 'page' | 'document' | 'file' | 'measures'

/** What `answers.ts` offers. */
export type AnswerName = keyof typeof import('./answers.ts')

/**
 * What a token may be for. `read`: look; `run`: begin and steer runs, and change conversations; `approve`: decide for a
 * person; `admin`: what concerns the service itself, and what cannot be undone. None includes another.
 */
export const SCOPES = ['read', 'run', 'approve', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/**
 * Every door of the service in one table: the server's routes, its 405s and, in this order, `/openapi.json` come from
 * here. It is one file, since every start loads it. What a row holds, `Endpoint` says below.
 */
export const ENDPOINTS = {
  // The service itself
  health: {
    method: 'GET',
    path: '/healthz',
    answer: 'Health',
    isOpen: true,
    does: 'Says that the service answers, which version it is and since when.',
  },
  ready: {
    method: 'GET',
    path: '/readyz',
    answer: 'Ready',
    isOpen: true,
    does: 'Says whether a prompt that comes now could be worked on, and if not, why.',
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    scope: 'read',
    answer: 'measures',
    does: 'Shows what the service has counted and holds now, for Prometheus.',
  },
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    scope: 'read',
    answer: 'OpenApi',
    does: 'Describes all doors, as an OpenAPI document.',
  },
  docs: {
    method: 'GET',
    path: '/docs',
    scope: 'read',
    answer: 'page',
    does: 'The same as a page to read.',
  },

  // Clients of version 1
  stream: {
    method: 'POST',
    path: '/v1/agent/stream',
    scope: 'run',
    body: 'StreamRequest',
    answer: 'events',
    does: 'Starts a run, or attaches to the running one, and streams its events (SSE).',
  },
  prepare: {
    method: 'POST',
    path: '/v1/agent/prepare',
    scope: 'run',
    body: 'PrepareRequest',
    answer: 'Prepared',
    does: 'Says that a prompt is near, so that a process can be made ready.',
  },
  permission: {
    method: 'POST',
    path: '/v1/agent/tool_permission',
    scope: 'approve',
    body: 'PermissionAnswer',
    answer: 'Permitted',
    does: 'Answers a tool permission request.',
  },

  // Questions of the agent to a person
  approvals: {
    method: 'GET',
    path: '/v1/approvals',
    scope: 'read',
    query: 'ApprovalsQuery',
    answer: 'Approvals',
    does: 'Lists what waits for a person: tool calls, questions, plans.',
  },
  approval: {
    method: 'GET',
    path: '/v1/approvals/:id',
    scope: 'read',
    params: 'ApprovalPath',
    answer: 'Approval',
    does: 'Shows one of them, and how it was settled.',
  },
  answer: {
    method: 'POST',
    path: '/v1/approvals/:id',
    scope: 'approve',
    params: 'ApprovalPath',
    body: 'ApprovalAnswer',
    answer: 'Approval',
    does: 'Answers it, once.',
  },
  rules: {
    method: 'GET',
    path: '/v1/approval-rules',
    scope: 'read',
    query: 'RulesQuery',
    answer: 'Rules',
    does: 'Lists what was allowed for good.',
  },
  removeRule: {
    method: 'DELETE',
    path: '/v1/approval-rules/:id',
    scope: 'approve',
    params: 'RulePath',
    answer: 'RemovedRule',
    does: 'Takes such a rule back.',
  },

  // Which conversation a folder has
  canonical: {
    method: 'GET',
    path: '/v1/conversations/canonical',
    scope: 'run',
    query: 'CanonicalQuery',
    answer: 'Canonical',
    does: "Names the folder's conversation; creates it when there is none.",
  },
  activate: {
    method: 'POST',
    path: '/v1/conversations/activate',
    scope: 'run',
    body: 'ActivateRequest',
    answer: 'Activated',
    does: "Makes a conversation, new or old, its folder's.",
  },

  // Conversations, and what was said in them
  conversations: {
    method: 'GET',
    path: '/v1/conversations',
    scope: 'read',
    query: 'ConversationsQuery',
    answer: 'Conversations',
    does: 'Lists conversations, newest activity first.',
  },
  search: {
    method: 'GET',
    path: '/v1/search',
    scope: 'read',
    query: 'SearchQuery',
    answer: 'Hits',
    does: 'Finds what was said, and what tools were called with.',
  },
  createConversation: {
    method: 'POST',
    path: '/v1/conversations',
    scope: 'run',
    body: 'NewConversation',
    answer: 'Conversation',
    does: 'Begins a conversation in a folder, beside those that it has.',
  },
  conversation: {
    method: 'GET',
    path: '/v1/conversations/:id',
    scope: 'read',
    params: 'ConversationPath',
    answer: 'ConversationDetails',
    does: 'Shows a conversation and what it does now.',
  },
  changeConversation: {
    method: 'PATCH',
    path: '/v1/conversations/:id',
    scope: 'run',
    params: 'ConversationPath',
    body: 'ConversationChange',
    answer: 'ChangedConversation',
    does: 'Gives a conversation another title, other tags or settings, or puts it away.',
  },
  deleteConversation: {
    method: 'DELETE',
    path: '/v1/conversations/:id',
    scope: 'admin',
    params: 'ConversationPath',
    answer: 'DeletedConversation',
    does: 'Deletes a conversation with all its events.',
  },

  // In a conversation: to send, to watch, to replay, to stop
  send: {
    method: 'POST',
    path: '/v1/conversations/:id/messages',
    scope: 'run',
    params: 'ConversationPath',
    body: 'Message',
    status: 202,
    answer: 'Sent',
    does: 'Sends a prompt and says what becomes of it.',
  },
  watch: {
    method: 'GET',
    path: '/v1/conversations/:id/stream',
    scope: 'read',
    params: 'ConversationPath',
    query: 'WatchQuery',
    isEndless: true,
    answer: 'events',
    does: 'Streams the events of a conversation for ever (SSE).',
  },
  history: {
    method: 'GET',
    path: '/v1/conversations/:id/history',
    scope: 'read',
    params: 'ConversationPath',
    query: 'HistoryQuery',
    answer: 'lines',
    does: 'Replays the events of a conversation by its own id (NDJSON).',
  },
  events: {
    method: 'GET',
    path: '/v1/conversations/:id/events',
    scope: 'read',
    params: 'EventsPath',
    query: 'EventsQuery',
    answer: 'lines',
    does: 'Replays the events after `since` (NDJSON).',
  },
  feed: {
    method: 'GET',
    path: '/v1/stream',
    scope: 'read',
    query: 'FeedQuery',
    answer: 'feed',
    isEndless: true,
    does: 'Streams the events of many conversations, or of all, for ever (SSE).',
  },
  feedHistory: {
    method: 'GET',
    path: '/v1/history',
    scope: 'read',
    query: 'FeedHistoryQuery',
    answer: 'FeedHistory',
    does: 'Pages through the events of many conversations, or of all.',
  },
  interrupt: {
    method: 'POST',
    path: '/v1/conversations/:id/interrupt',
    scope: 'run',
    params: 'ConversationPath',
    body: 'InterruptRequest',
    answer: 'Interrupted',
    does: "Stops the conversation's run; with scope `all` also what waits and what works in its background.",
  },

  // The agent's own sessions, and the way back in one
  sessions: {
    method: 'GET',
    path: '/v1/sessions',
    scope: 'read',
    query: 'SessionsQuery',
    answer: 'Sessions',
    does: "Lists the agent's own sessions of a folder, also those begun in a terminal.",
  },
  fork: {
    method: 'POST',
    path: '/v1/conversations/:id/fork',
    scope: 'run',
    params: 'ConversationPath',
    body: 'ForkRequest',
    answer: 'Conversation',
    does: 'Begins a conversation that has the history of another up to an event, and goes on from there.',
  },
  rewind: {
    method: 'POST',
    path: '/v1/conversations/:id/rewind',
    scope: 'run',
    params: 'ConversationPath',
    body: 'RewindRequest',
    answer: 'Rewound',
    does: 'Puts the files back that the agent has changed since a prompt, or says which.',
  },

  // Prompts that wait
  queue: {
    method: 'GET',
    path: '/v1/conversations/:id/queue',
    scope: 'read',
    params: 'ConversationPath',
    answer: 'Queue',
    does: 'Lists the prompts of the conversation that wait.',
  },
  editPrompt: {
    method: 'PATCH',
    path: '/v1/queue/:prompt_id',
    scope: 'run',
    params: 'PromptPath',
    body: 'PromptEdit',
    answer: 'Prompt',
    does: 'Changes the text of a prompt that waits, or its place in the queue.',
  },
  cancelPrompt: {
    method: 'DELETE',
    path: '/v1/queue/:prompt_id',
    scope: 'run',
    params: 'PromptPath',
    answer: 'Prompt',
    does: 'Takes back a prompt that waits.',
  },
  steerPrompt: {
    method: 'POST',
    path: '/v1/queue/:prompt_id/steer',
    scope: 'run',
    params: 'PromptPath',
    answer: 'Prompt',
    does: 'Gives a prompt that waits to the turn that is under way.',
  },

  // Documents, and what comes with a prompt
  transcript: {
    method: 'GET',
    path: '/v1/conversations/:id/transcript',
    scope: 'read',
    params: 'ConversationPath',
    query: 'TranscriptQuery',
    answer: 'document',
    does: 'Tells a conversation as a document to read: Markdown, HTML or JSON.',
  },
  upload: {
    method: 'POST',
    path: '/v1/uploads',
    scope: 'run',
    query: 'UploadQuery',
    isFile: true,
    answer: 'Upload',
    does: 'Takes an image, a PDF or a text, as it is, for a prompt to come.',
  },
  uploaded: {
    method: 'GET',
    path: '/v1/uploads/:id',
    scope: 'read',
    params: 'UploadPath',
    answer: 'file',
    does: 'Gives back what was uploaded, or came with a prompt.',
  },

  // Looking into a folder
  folders: {
    method: 'GET',
    path: '/v1/folders',
    scope: 'read',
    answer: 'Folders',
    does: 'Says in which folders agents may work.',
  },
  files: {
    method: 'GET',
    path: '/v1/files',
    scope: 'read',
    query: 'FilesQuery',
    answer: 'FileList',
    does: 'Lists a directory in a folder.',
  },
  file: {
    method: 'GET',
    path: '/v1/files/content',
    scope: 'read',
    query: 'FileQuery',
    answer: 'file',
    does: 'Shows a file in a folder, a part of it, or some of its lines.',
  },
  gitStatus: {
    method: 'GET',
    path: '/v1/git/status',
    scope: 'read',
    query: 'GitStatusQuery',
    answer: 'GitStatus',
    does: "Says what has changed in a folder's Git repository.",
  },
  gitDiff: {
    method: 'GET',
    path: '/v1/git/diff',
    scope: 'read',
    query: 'GitDiffQuery',
    answer: 'GitDiff',
    does: 'Shows how, file by file.',
  },
  gitLog: {
    method: 'GET',
    path: '/v1/git/log',
    scope: 'read',
    query: 'GitLogQuery',
    answer: 'GitLog',
    does: 'Lists its commits, newest first.',
  },
  runDiff: {
    method: 'GET',
    path: '/v1/conversations/:id/runs/:run_id/diff',
    scope: 'read',
    params: 'RunPath',
    answer: 'RunDiff',
    does: 'Shows what a run did to files, as its own events tell it.',
  },

  // Who did what, and what it took
  audit: {
    method: 'GET',
    path: '/v1/audit',
    scope: 'admin',
    query: 'AuditQuery',
    answer: 'Audit',
    does: 'Lists who did what, the oldest first.',
  },
  usage: {
    method: 'GET',
    path: '/v1/usage',
    scope: 'read',
    query: 'UsageQuery',
    answer: 'Usage',
    does: 'Says what runs cost and used: by day, folder, model or conversation.',
  },
} as const satisfies Record<string, Endpoint>

export type EndpointName = keyof typeof ENDPOINTS

/** The JSON that a door answers with; never, if it streams. */
export type AnswerTo<N extends EndpointName> = (typeof ENDPOINTS)[N]['answer'] extends infer A
  ? A extends AnswerName
    ? Answer<A>
    : never
  : never

/** The JSON of this name. */
export type Answer<A extends AnswerName> = Written<z.input<(typeof import('./answers.ts'))[A]>>

/** What a request holds by the schema of this name: as a client writes it, and as the service reads it. */
export type WrittenAs<S extends SchemaName> = z.input<(typeof import('./requests.ts'))[S]>
export type ReadAs<S extends SchemaName> = z.output<(typeof import('./requests.ts'))[S]>

/** As it is once it is written: nobody changes it any more. */
type Written<T> = T extends readonly (infer E)[]
  ? readonly Written<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Written<T[K]> }
    : T

/** For everybody, also where a token is asked for; or what a token has to be for. A door that says neither is a mistake. */
type Entrance = { readonly isOpen: true; readonly scope?: never } | { readonly isOpen?: never; readonly scope: Scope }

type Endpoint = Entrance & {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: SchemaName
  readonly query?: SchemaName
  readonly params?: SchemaName
  /** What it answers: JSON by this name, or something else. */
  readonly answer: AnswerName | StreamName
  /** Of an answer that is no error; 200 where nothing is said. */
  readonly status?: 202
  /** Its answer is a stream that goes on until one of the two sides has enough. */
  readonly isEndless?: true
  /** Its body is a file as it is, and is not held in memory. */
  readonly isFile?: true
  readonly does: string
}
