/** What `requests.ts` offers. Only named here: loading it costs more than all the rest of this package. */
export type SchemaName = keyof typeof import('./requests.ts')

/** Every door of the service in one table: the server's routes, its 405s and the docs come from here. */
export const ENDPOINTS = {
  health: {
    method: 'GET',
    path: '/healthz',
    does: 'Says that the service answers, which version it is and since when.',
  },
  stream: {
    method: 'POST',
    path: '/v1/agent/stream',
    body: 'StreamRequest',
    does: 'Starts a run, or attaches to the running one, and streams its events (SSE).',
  },
  prepare: {
    method: 'POST',
    path: '/v1/agent/prepare',
    body: 'PrepareRequest',
    does: 'Says that a prompt is near, so that a process can be made ready.',
  },
  permission: {
    method: 'POST',
    path: '/v1/agent/tool_permission',
    body: 'PermissionAnswer',
    does: 'Answers a tool permission request.',
  },
  approvals: {
    method: 'GET',
    path: '/v1/approvals',
    query: 'ApprovalsQuery',
    does: 'Lists what waits for a person: tool calls, questions, plans.',
  },
  approval: {
    method: 'GET',
    path: '/v1/approvals/:id',
    params: 'ApprovalPath',
    does: 'Shows one of them, and how it was settled.',
  },
  answer: {
    method: 'POST',
    path: '/v1/approvals/:id',
    params: 'ApprovalPath',
    body: 'ApprovalAnswer',
    does: 'Answers it, once.',
  },
  rules: {
    method: 'GET',
    path: '/v1/approval-rules',
    query: 'RulesQuery',
    does: 'Lists what was allowed for good.',
  },
  removeRule: {
    method: 'DELETE',
    path: '/v1/approval-rules/:id',
    params: 'RulePath',
    does: 'Takes such a rule back.',
  },
  canonical: {
    method: 'GET',
    path: '/v1/conversations/canonical',
    query: 'CanonicalQuery',
    does: "Names the folder's conversation; creates it when there is none.",
  },
  activate: {
    method: 'POST',
    path: '/v1/conversations/activate',
    body: 'ActivateRequest',
    does: "Makes a conversation, new or old, its folder's.",
  },
  conversations: {
    method: 'GET',
    path: '/v1/conversations',
    query: 'ConversationsQuery',
    does: 'Lists conversations, newest activity first.',
  },
  createConversation: {
    method: 'POST',
    path: '/v1/conversations',
    body: 'NewConversation',
    does: 'Begins a conversation in a folder, beside those that it has.',
  },
  conversation: {
    method: 'GET',
    path: '/v1/conversations/:id',
    params: 'ConversationPath',
    does: 'Shows a conversation and what it does now.',
  },
  changeConversation: {
    method: 'PATCH',
    path: '/v1/conversations/:id',
    params: 'ConversationPath',
    body: 'ConversationChange',
    does: 'Gives a conversation another title, or puts it away.',
  },
  deleteConversation: {
    method: 'DELETE',
    path: '/v1/conversations/:id',
    params: 'ConversationPath',
    does: 'Deletes a conversation with all its events.',
  },
  send: {
    method: 'POST',
    path: '/v1/conversations/:id/messages',
    params: 'ConversationPath',
    body: 'Message',
    does: 'Sends a prompt and says what becomes of it.',
  },
  watch: {
    method: 'GET',
    path: '/v1/conversations/:id/stream',
    params: 'ConversationPath',
    query: 'WatchQuery',
    isEndless: true,
    does: 'Streams the events of a conversation for ever (SSE).',
  },
  history: {
    method: 'GET',
    path: '/v1/conversations/:id/history',
    params: 'ConversationPath',
    query: 'HistoryQuery',
    does: 'Replays the events of a conversation by its own id (NDJSON).',
  },
  events: {
    method: 'GET',
    path: '/v1/conversations/:id/events',
    params: 'EventsPath',
    query: 'EventsQuery',
    does: 'Replays the events after `since` (NDJSON).',
  },
  interrupt: {
    method: 'POST',
    path: '/v1/conversations/:id/interrupt',
    params: 'ConversationPath',
    body: 'InterruptRequest',
    does: "Stops the conversation's run; with scope `all` also what waits and what works in its background.",
  },
  queue: {
    method: 'GET',
    path: '/v1/conversations/:id/queue',
    params: 'ConversationPath',
    does: 'Lists the prompts of the conversation that wait.',
  },
  editPrompt: {
    method: 'PATCH',
    path: '/v1/queue/:prompt_id',
    params: 'PromptPath',
    body: 'PromptEdit',
    does: 'Changes the text of a prompt that waits, or its place in the queue.',
  },
  cancelPrompt: {
    method: 'DELETE',
    path: '/v1/queue/:prompt_id',
    params: 'PromptPath',
    does: 'Takes back a prompt that waits.',
  },
  steerPrompt: {
    method: 'POST',
    path: '/v1/queue/:prompt_id/steer',
    params: 'PromptPath',
    does: 'Gives a prompt that waits to the turn that is under way.',
  },
  transcript: {
    method: 'GET',
    path: '/v1/conversations/:id/transcript',
    params: 'ConversationPath',
    query: 'TranscriptQuery',
    does: 'Tells a conversation as a document to read: Markdown, HTML or JSON.',
  },
} as const satisfies Record<string, Endpoint>

export type EndpointName = keyof typeof ENDPOINTS

interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: SchemaName
  readonly query?: SchemaName
  readonly params?: SchemaName
  /** Its answer is a stream that goes on until one of the two sides has enough. */
  readonly isEndless?: true
  readonly does: string
}
