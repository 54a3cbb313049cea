import { z } from 'zod'
import { ConversationId } from './conversation-id.ts'
import type { ApprovalId as ApprovalIdType, AttachmentId } from './ids.ts'

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined)

const wellFormed = z.string().refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
const toolNames = z.array(z.string().max(512)).max(1000)

/** The folder as the client spells it. What it means is decided by the folder rule (PROTOCOL.md section 5). */
const cwd = wellFormed
  .trim()
  .min(1, 'must not be blank')
  .max(4096)
  .refine((path) => !path.includes('\0'), 'must not contain NUL')
  .describe("The agent's folder: absolute, or `~` for the service user's home.")
const group = optional(wellFormed.trim().max(256))

const McpServer = z.union([
  z.object({
    type: z.literal('stdio').optional(),
    command: z.string(),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
  }),
  z.object({ type: z.enum(['http', 'sse']), url: z.url(), headers: z.record(z.string(), z.string()).optional() }),
])

/** Flags for the agent's command line can be anything, so that no folder is trusted enough. Other fields we do not know are ignored. */
const noExtraArgs = z
  .unknown()
  .refine(isEmpty, 'is never taken from a request: it could run anything, and no configuration allows it')

/** A model's name goes on to the agent as it is; it has to look like one, also on a command line. */
const model = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:@/[\]-]{0,255}$/, 'must be the name of a model: letters, digits and . _ : @ / [ ] -')
const effort = z.enum(['low', 'medium', 'high', 'xhigh', 'max'])
const permissionMode = z.enum(['default', 'acceptEdits', 'plan', 'dontAsk', 'auto', 'bypassPermissions'])

/** What a run can be asked for. */
const runFields = {
  allowed_tools: optional(toolNames).describe('Tools that need no question.'),
  tool_approvals: optional(z.object({ allow: optional(toolNames), deny: optional(toolNames) })).describe(
    'Answers given in advance; `deny` wins.',
  ),
  system_prompt: optional(wellFormed).describe("Added to the agent's own."),
  max_turns: optional(z.int().min(0).max(100_000)).describe('How often the model is asked at most; 0 is no limit.'),
  max_budget_usd: optional(z.number().positive().max(100_000)).describe(
    "What the run may cost at most, by the agent's own estimate; it ends with `error_max_budget_usd`.",
  ),
  model: optional(model),
  effort: optional(effort).describe('How much the model is to make of it; models that know none are not told.'),
  permission_mode: optional(permissionMode),
  mcp_servers: optional(z.union([z.string().min(1), z.record(z.string(), McpServer)])),
  resume: optional(z.uuid('must be the UUID of an agent session')).describe('The session of the agent to go on with.'),
  continue_conversation: optional(z.boolean()).describe(
    'A conversation without a session takes the latest of its folder.',
  ),
  settings: optional(z.union([z.string().min(1), z.record(z.string(), z.unknown())])),
  setting_sources: optional(z.array(z.enum(['user', 'project', 'local']))),
  extra_args: optional(noExtraArgs),
  approval_deadline: optional(
    z.object({
      seconds: z.int().min(1).max(31_536_000),
      outcome: z.enum(['deny', 'interrupt']).default('deny'),
    }),
  ),
  can_answer: optional(z.array(z.enum(['question', 'plan', 'elicitation']))).describe(
    'What the client can answer besides yes and no.',
  ),
}
export type RunFields = z.infer<z.ZodObject<typeof runFields>>

const AttachmentId = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits')
  .transform((id) => id as AttachmentId)

/** What a person calls a file. Only ever shown: it could lead nowhere, and looks like what it is. */
const fileName = wellFormed
  .trim()
  .min(1, 'must not be blank')
  .max(255)
  .refine((name) => !/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(name), 'must not hold control characters')
  .refine((name) => !/[/\\]/.test(name) && name !== '.' && name !== '..', 'must be the name of a file, without a path')

/** Something that comes with a prompt: inside the request, or uploaded before. */
const Attachment = z.union(
  [
    z.object({ upload_id: AttachmentId }),
    z.object({ name: optional(fileName), data: z.string().min(1, 'must not be empty') }),
  ],
  'has to be {"upload_id"} or {"name"?, "data"} with the bytes in base64',
)

/** How a prompt is sent. */
const sendFields = {
  when_busy: optional(z.enum(['reject', 'queue', 'steer', 'interrupt'])).describe(
    'What becomes of the prompt while the folder is busy.',
  ),
  client_message_id: optional(idempotencyKey('client_message_id')).describe(
    'The same as the header `Idempotency-Key`.',
  ),
  attachments: optional(z.array(Attachment).max(1000)).describe('Images, PDFs and texts that come with the prompt.'),
}

/** Body of `POST /v1/agent/stream`. Fields it does not name are ignored. `prompt` and `session_id` are synonyms. */
export const StreamRequest = z.preprocess(
  synonyms({ prompt: 'text', session_id: 'conversation_id' }),
  z.object({
    conversation_id: ConversationId,
    cwd,
    text: optional(wellFormed),
    conversation_group: group,
    ...sendFields,
    ...runFields,
  }),
)
export type StreamRequest = z.infer<typeof StreamRequest>

/** Body of `POST /v1/agent/prepare`: what the prompt to come will ask for. */
export const PrepareRequest = z.object({ cwd, ...runFields })

/** Body of `POST /v1/conversations/activate`. */
export const ActivateRequest = z.object({ conversation_id: ConversationId, cwd, conversation_group: group })
export type ActivateRequest = z.infer<typeof ActivateRequest>

/** Body of `POST /v1/agent/tool_permission`. */
export const PermissionAnswer = z.object({
  conversation_id: ConversationId,
  cwd: optional(cwd),
  permission_id: z.string().min(1).max(128),
  behavior: z.enum(['allow', 'deny']),
  message: optional(wellFormed),
})
export type PermissionAnswer = z.infer<typeof PermissionAnswer>

const limit = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 999')
  .transform(Number)

const ApprovalId = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits')
  .transform((id) => id as ApprovalIdType)

/** Query of `GET /v1/approvals`. */
export const ApprovalsQuery = z.object({
  state: z.enum(['pending', 'all']).default('pending'),
  conversation_id: optional(ConversationId),
  limit: optional(limit),
})

/** Path of `/v1/approvals/{id}`. */
export const ApprovalPath = z.object({ id: ApprovalId })

/** Body of `POST /v1/approvals/{id}`. */
export const ApprovalAnswer = z.object({
  behavior: z.enum(['allow', 'deny']),
  message: optional(wellFormed.max(100_000)),
  updated_input: optional(z.record(z.string(), z.unknown())),
  remember: z.enum(['none', 'session', 'project']).default('none'),
  answers: optional(z.record(z.string(), z.unknown())),
  response: optional(wellFormed.max(100_000)),
  interrupt: optional(z.boolean()),
})
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>

/** Query of `GET /v1/approval-rules`. */
export const RulesQuery = z.object({ conversation_id: optional(ConversationId), cwd: optional(cwd) })

/** Path of `DELETE /v1/approval-rules/{id}`. */
export const RulePath = z.object({ id: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits') })

/** Path of the doors of one conversation. Its own id: no other name leads here. */
export const ConversationPath = z.object({ id: ConversationId })

/** Path of the doors of one run. What is no id of a run is unknown, not malformed. */
export const RunPath = z.object({ id: ConversationId, run_id: z.string().max(1024) })

/** Body of `POST /v1/conversations/{id}/interrupt`. */
export const InterruptRequest = z.object({ scope: optional(z.enum(['turn', 'all'])) })

/** Path of the doors of one prompt. What is no id of a prompt is unknown, not malformed. */
export const PromptPath = z.object({ prompt_id: z.string().max(1024) })

/** Body of `PATCH /v1/queue/{prompt_id}`. */
export const PromptEdit = z
  .object({
    text: optional(wellFormed.refine((text) => text.trim() !== '', 'must not be blank')),
    position: optional(z.int().min(1).max(1_000_000)),
  })
  .refine((edit) => edit.text !== undefined || edit.position !== undefined, 'needs a text or a position')

/** The `Idempotency-Key` header. */
export const IdempotencyKey = idempotencyKey('Idempotency-Key')

const title = wellFormed
  .trim()
  .min(1, 'must not be blank')
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters')

/** A word or a few to find a conversation by. Written in different ways that look alike, it is the same tag. */
const tag = wellFormed
  .transform((text) => text.normalize('NFC').trim())
  .pipe(
    z
      .string()
      .min(1, 'must not be blank')
      .max(64)
      // what breaks a line, and what turns around the direction of the text behind it
      .refine(
        (text) => !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(text),
        'must not hold control characters',
      ),
  )
const tags = z
  .array(tag)
  .max(20)
  .transform((all) => [...new Set(all)])
const eventNumber = z.int().min(1).max(999_999_999_999_999)

/** What a person types to find something: words, "phrases", and beginnings* of words (PROTOCOL.md 3.15). */
const searchWords = z.string().max(1000)

/** Query of `GET /v1/search`. */
export const SearchQuery = z.object({
  q: searchWords,
  cwd: optional(cwd),
  tag: optional(tag),
  archived: optional(z.enum(['true', 'false']).transform((text) => text === 'true')),
  conversation_id: optional(ConversationId),
  limit: optional(
    z
      .string()
      .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
      .transform(Number),
  ),
  cursor: optional(z.string().max(512)),
})

/** Query of `GET /v1/conversations`. */
export const ConversationsQuery = z.object({
  cwd: optional(cwd),
  archived: optional(z.enum(['true', 'false']).transform((text) => text === 'true')),
  tag: optional(tag),
  state: optional(z.enum(['idle', 'running', 'waiting'])),
  text: optional(searchWords),
  limit: optional(limit),
  cursor: optional(z.string().max(512)),
})

/** Body of `POST /v1/conversations`. */
export const NewConversation = z.object({
  cwd,
  title: optional(title),
  tags: optional(tags),
  conversation_id: optional(ConversationId),
  adopt: optional(sessionId('adopt')),
})

/** Query of `GET /v1/sessions`. */
export const SessionsQuery = z.object({ cwd, limit: optional(limit), cursor: optional(z.string().max(512)) })

/** Body of `POST /v1/conversations/{id}/fork`. */
export const ForkRequest = z.object({ from: optional(eventNumber), title: optional(title) })

/** Body of `POST /v1/conversations/{id}/rewind`. */
export const RewindRequest = z
  .object({
    to: optional(eventNumber),
    run_id: optional(z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits')),
    dry_run: optional(z.boolean()),
  })
  .refine(({ to, run_id }) => (to === undefined) !== (run_id === undefined), 'needs either to or run_id')

/** Body of `PATCH /v1/conversations/{id}`. */
export const ConversationChange = z
  .object({
    title: optional(title),
    archived: optional(z.boolean()),
    tags: optional(tags),
    model: model.nullable().optional().describe('null is the default again, as for the two below.'),
    effort: effort.nullable().optional(),
    permission_mode: permissionMode.nullable().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'needs something to change')
export type ConversationChange = z.infer<typeof ConversationChange>

/** Body of `POST /v1/conversations/{id}/messages`. */
export const Message = z
  .object({ text: optional(wellFormed), ...sendFields, ...runFields })
  .refine(({ text, attachments }) => text?.trim() || attachments?.length, {
    path: ['text'],
    error: 'must not be blank where nothing is attached',
  })

/** Query of `POST /v1/uploads`. */
export const UploadQuery = z.object({ name: optional(fileName) })

/** Path of `/v1/uploads/{id}`. */
export const UploadPath = z.object({ id: AttachmentId })

/** Query of `GET /v1/conversations/{id}/history`. */
export const HistoryQuery = z.object({ since: optional(position('since')) })

const snapshot = optional(z.enum(['true', 'false']).transform((text) => text === 'true'))
const closeAfter = optional(
  z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a whole number of seconds from 1 to 99999')
    .transform(Number),
)

/** Query of `GET /v1/conversations/{id}/stream`. */
export const WatchQuery = z.object({
  since: optional(z.union([z.literal('head'), position('since')])),
  snapshot,
  partials: optional(z.enum(['true', 'false']).transform((text) => text === 'true')),
  close_after: closeAfter,
})

/** What somebody wants of all conversations: some of them, some types of events. */
const choice = {
  conversations: optional(
    z
      .string()
      .transform((text) => (text === 'all' ? undefined : text.split(',')))
      .pipe(z.array(ConversationId).max(500).optional()),
  ),
  types: optional(
    z
      .string()
      .transform((text) => text.split(','))
      .pipe(z.array(z.string().regex(/^[A-Za-z0-9_]{1,64}$/, 'must be names of types, with commas')).max(50)),
  ),
}

/** Query of `GET /v1/stream`. */
export const FeedQuery = z.object({
  ...choice,
  since: optional(z.string().max(256)),
  snapshot,
  close_after: closeAfter,
})

/** Query of `GET /v1/history`. */
export const FeedHistoryQuery = z.object({ ...choice, since: optional(z.string().max(256)), limit: optional(limit) })

/** Query of `GET /v1/conversations/canonical`. */
export const CanonicalQuery = z.object({ cwd, conversation_group: group })

/** Path and query of `GET /v1/conversations/{id}/events`. */
export const EventsPath = z.object({ id: ConversationId })
export const EventsQuery = z.object({
  since: optional(position('since')),
  cwd: optional(cwd),
  conversation_group: group,
})

/** The `Last-Event-ID` header: the number of the last event the reader has. */
export const LastEventId = position('Last-Event-ID')

const flag = optional(z.enum(['true', 'false']).transform((text) => text === 'true'))

/** Query of `GET /v1/conversations/{id}/transcript`. */
export const TranscriptQuery = z.object({
  format: z.enum(['md', 'html', 'json']).default('md'),
  since: optional(position('since')),
  until: optional(position('until')),
  thinking: flag,
})

/** Something in a folder: by its path, or by the bytes of its path when it is no text. */
const place = {
  cwd,
  path: wellFormed.max(4096).default(''),
  path_bytes: optional(z.string().regex(/^[\w-]{1,6000}$/, 'must be base64url')),
}

/** Query of `GET /v1/files`. */
export const FilesQuery = z.object({
  ...place,
  hidden: flag,
  limit: optional(limit),
  cursor: optional(z.string().regex(/^[\w-]{1,512}$/, 'is none that this service gave')),
})

/** Query of `GET /v1/files/content`. */
export const FileQuery = z.object({
  ...place,
  lines: optional(
    z
      .string()
      .regex(/^[1-9]\d{0,8}-[1-9]\d{0,8}$/, 'must be two numbers of lines, such as 10-20')
      .transform((text) => {
        const [first = 1, last = 1] = text.split('-').map(Number)
        return { first, last }
      })
      .refine(({ first, last }) => first <= last, 'must not end before they begin'),
  ),
})

/** A commit by its id, its branch or its tag, or the ones before it: `main`, `v1.0~2`. Never an option, a range or a search. */
const revision = z.string().regex(/^[A-Za-z0-9][\w./~^-]{0,199}$/, 'must be a commit, a branch or a tag')

/** Query of `GET /v1/git/status`. */
export const GitStatusQuery = z.object({ cwd })

/** Query of `GET /v1/git/diff`. */
export const GitDiffQuery = z
  .object({
    cwd,
    from: optional(revision),
    to: optional(revision),
    path: optional(wellFormed.min(1).max(4096)),
    staged: flag,
  })
  .refine((query) => query.to === undefined || query.from !== undefined, 'with to needs from')
  .refine((query) => query.to === undefined || query.staged !== true, 'has to be either staged or up to a commit')

/** Query of `GET /v1/git/log`. */
export const GitLogQuery = z.object({
  cwd,
  limit: optional(limit),
  cursor: optional(
    z
      .string()
      .regex(/^[0-9a-f]{40,64}\.\d{1,9}$/, 'is none that this service gave')
      .transform((text) => {
        const [commit = '', skip = ''] = text.split('.')
        return { commit, skip: Number(skip) }
      }),
  ),
})

const day = z.iso
  .date('must be a day, such as 2026-11-23')
  .refine((text) => text >= '2000-01-01', 'is too long ago')
  .refine((text) => text < '2200-01-01', 'is too far away')

/** Query of `GET /v1/usage`. */
export const UsageQuery = z.object({
  by: z.enum(['day', 'folder', 'model', 'conversation']).default('day'),
  from: optional(day).describe('The first day; thirty days before `to` if nothing is said.'),
  to: optional(day).describe('The last day; today if nothing is said.'),
  tz: z
    .string()
    .regex(/^[A-Za-z][\w+/-]{0,63}$/, 'must be the name of a time zone, such as Europe/Berlin')
    .default('UTC')
    .describe('Whose days.'),
  cwd: optional(cwd),
})

function idempotencyKey(name: string) {
  return z.string().regex(/^[\x21-\x7e]{1,255}$/, `${name} must be 1 to 255 visible ASCII characters`)
}

/** In lower case: so are the names of its files. */
function sessionId(name: string) {
  return z.uuid(`${name} must be the UUID of an agent session`).transform((id) => id.toLowerCase())
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}

function position(name: string) {
  return z
    .string()
    .trim()
    .regex(/^\d{1,15}$/, `${name} must be a whole number of at most 15 digits`)
    .transform(Number)
}

/** Lets a body use another name for a field; the field's own name wins. */
function synonyms(names: Record<string, string>) {
  return (body: unknown) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
    const copy: Record<string, unknown> = { ...body }
    for (const [synonym, name] of Object.entries(names)) copy[name] ??= copy[synonym]
    return copy
  }
}

/** Query of `GET /v1/audit`. */
export const AuditQuery = z.object({
  since: optional(z.iso.datetime({ offset: true, error: 'must be a time as ISO 8601 writes it' })),
  after: optional(position('after')),
  limit: optional(limit),
})
