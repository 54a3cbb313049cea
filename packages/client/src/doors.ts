import type { AnswerName, AnswerTo, ENDPOINTS, EndpointName, ReadAs, WrittenAs } from '@claude-proxy/protocol/endpoints'
import type { SchemaName } from '@claude-proxy/protocol/endpoints'
import type { NumberedEvent } from './events.ts'

/** What the client knows of the doors of the service while it runs. The types hold it to the service's own table. */
export const DOORS = {
  health: 'GET /healthz',
  ready: 'GET /readyz',
  openApi: 'GET /openapi.json',
  prepare: 'POST /v1/agent/prepare',
  permission: 'POST /v1/agent/tool_permission',
  approvals: 'GET /v1/approvals',
  approval: 'GET /v1/approvals/:id',
  answer: 'POST /v1/approvals/:id',
  rules: 'GET /v1/approval-rules',
  removeRule: 'DELETE /v1/approval-rules/:id',
  canonical: 'GET /v1/conversations/canonical',
  activate: 'POST /v1/conversations/activate',
  conversations: 'GET /v1/conversations',
  search: 'GET /v1/search',
  createConversation: 'POST /v1/conversations',
  conversation: 'GET /v1/conversations/:id',
  changeConversation: 'PATCH /v1/conversations/:id',
  deleteConversation: 'DELETE /v1/conversations/:id',
  send: 'POST /v1/conversations/:id/messages',
  history: 'GET /v1/conversations/:id/history lines',
  feedHistory: 'GET /v1/history',
  interrupt: 'POST /v1/conversations/:id/interrupt',
  fork: 'POST /v1/conversations/:id/fork',
  rewind: 'POST /v1/conversations/:id/rewind',
  sessions: 'GET /v1/sessions',
  queue: 'GET /v1/conversations/:id/queue',
  editPrompt: 'PATCH /v1/queue/:prompt_id',
  cancelPrompt: 'DELETE /v1/queue/:prompt_id',
  steerPrompt: 'POST /v1/queue/:prompt_id/steer',
  transcript: 'GET /v1/conversations/:id/transcript document',
  upload: 'POST /v1/uploads',
  uploaded: 'GET /v1/uploads/:id file',
  folders: 'GET /v1/folders',
  files: 'GET /v1/files',
  file: 'GET /v1/files/content file',
  gitStatus: 'GET /v1/git/status',
  gitDiff: 'GET /v1/git/diff',
  gitLog: 'GET /v1/git/log',
  runDiff: 'GET /v1/conversations/:id/runs/:run_id/diff',
  audit: 'GET /v1/audit',
  usage: 'GET /v1/usage',
} as const satisfies {
  readonly [N in DoorName]: `${Table[N]['method']} ${Table[N]['path']}${Form<Table[N]['answer']>}`
}

type Table = typeof ENDPOINTS
type Form<A> = A extends AnswerName ? '' : A extends string ? ` ${A}` : never

/**
 * The doors that can be called: all that answer and are done. Streams are followed; `events` and `stream` are for
 * clients of version 1, which know a conversation by its folder.
 */
export type DoorName = {
  [N in EndpointName]: Table[N]['answer'] extends 'events' | 'feed' | 'page' | 'measures' ? never : N
}[Exclude<EndpointName, 'events'>]

/** What a door answers: JSON, the numbered events of a replay, the text of a document, or the bytes of a file. */
export type AnswerOf<N extends DoorName> = Table[N]['answer'] extends 'lines'
  ? readonly NumberedEvent[]
  : Table[N]['answer'] extends 'document'
    ? string
    : Table[N]['answer'] extends 'file'
      ? Blob
      : AnswerTo<N>

/** What a call of a door holds. */
export type Asking<N extends DoorName> = PathOf<N> & QueryOf<N> & BodyOf<N>

type PathOf<N extends DoorName> =
  ParamOf<Table[N]['path']> extends never
    ? { readonly path?: undefined }
    : { readonly path: { readonly [P in ParamOf<Table[N]['path']>]: string } }

type ParamOf<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamOf<Rest>
  : P extends `${string}:${infer Name}`
    ? Name
    : never

type QueryOf<N extends DoorName> = Table[N] extends { readonly query: infer S extends SchemaName }
  ? Needed<'query', Queried<WrittenAs<S>, ReadAs<S>>>
  : { readonly query?: undefined }

type BodyOf<N extends DoorName> = Table[N] extends { readonly body: infer S extends SchemaName }
  ? Needed<'body', WrittenAs<S>>
  : Table[N] extends { readonly isFile: true }
    ? { readonly body: FileBody }
    : { readonly body?: undefined }

/** Bytes, or a text. */
export type FileBody = Blob | Uint8Array<ArrayBuffer> | string

/** May be left out where nothing in it has to be there. */
type Needed<Name extends string, T> = Partial<T> extends T ? { readonly [K in Name]?: T } : { readonly [K in Name]: T }

/** Query values are text on the wire; here numbers, booleans and lists are what they are. */
type Queried<In, Out> = {
  readonly [K in keyof In]:
    | QueryValue<Exclude<In[K], null | undefined>, K extends keyof Out ? NonNullable<Out[K]> : never>
    | Extract<In[K], undefined>
}
type QueryValue<In, Out> = Out extends number | boolean ? Out : Out extends readonly unknown[] ? readonly string[] : In

/** The ids of its path one by one, then what it takes: its body, or its query where it has none. */
export type Arguments<N extends DoorName, Options> = [...Ids<Table[N]['path']>, ...Taken<N, Options>]

type Ids<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? [id: Name extends '' ? never : string, ...Ids<Rest>]
  : P extends `${string}:${string}`
    ? [id: string]
    : []

type Taken<N extends DoorName, Options> = Table[N] extends { readonly isFile: true }
  ? [file: FileBody, query?: Asking<N>['query'], options?: Options]
  : Table[N] extends { readonly body: SchemaName }
    ? Given<Asking<N>, 'body', Options>
    : Table[N] extends { readonly query: SchemaName }
      ? Given<Asking<N>, 'query', Options>
      : [nothing?: undefined, options?: Options]

type Given<A, Name extends string, Options> = A extends { readonly [K in Name]: infer T }
  ? [what: T, options?: Options]
  : A extends { readonly [K in Name]?: infer T }
    ? [what?: T, options?: Options]
    : never
