import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApprovalId } from '@claude-proxy/protocol/ids'
import { switchedNotice } from '@claude-proxy/protocol/events'
import { AppError } from '@claude-proxy/protocol/errors'
import { type AnswerTo, ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { toLine } from '@claude-proxy/protocol/json'
import type { Approvals } from '../core/approvals/approvals.ts'
import type { Attachments } from '../core/attachments/attachments.ts'
import type { Conversations } from '../core/conversations.ts'
import type { Forks } from '../core/forks.ts'
import type { Rewinds } from '../core/rewinds.ts'
import type { Feed } from '../core/log/feed.ts'
import { storedPages } from '../core/log/pages.ts'
import type { RunOptions } from '../core/ports/run.ts'
import type { Clock } from '../core/ports/outside.ts'
import type { Store } from '../core/ports/store.ts'
import type { KeptSettings } from '../core/settings/keep.ts'
import type { ChangeSettings } from '../core/settings/settings.ts'
import type { Commands } from '../core/runs/commands.ts'
import type { Host } from '../core/runs/host.ts'
import type { SessionList } from '../core/sessions.ts'
import type { Outcome, Runs } from '../core/runs/runs.ts'
import type { Readiness } from '../core/readiness.ts'
import type { Workspace } from '../core/workspace.ts'
import type { Traces } from '../core/trace/traces.ts'
import type { Search } from '../core/search/search.ts'
import { decisionOf, notOpen } from './approvals.ts'
import { type Caller, mayDecide, nameOf } from './caller.ts'
import { LAST_EVENT_ID, OUTCOME, RESET, RUN_ID } from './headers.ts'
import type { Deed } from './record.ts'
import { parse, readBody, readQuery } from './read.ts'
import { sendNdjson } from './ndjson.ts'
import type { About } from './app.ts'
import { approvalRoutes } from './routes/approvals.ts'
import { auditRoutes } from './routes/audit.ts'
import { commandRoutes } from './routes/commands.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { searchRoutes } from './routes/search.ts'
import { docsRoutes } from './routes/docs.ts'
import { fileRoutes } from './routes/files.ts'
import { gitRoutes } from './routes/git.ts'
import { insideRoutes } from './routes/inside.ts'
import { transcriptRoutes } from './routes/transcript.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { feedRoutes } from './routes/feed.ts'
import { usageRoutes } from './routes/usage.ts'
import { noteRun } from './note-run.ts'
import { keyOf, runOptions } from './run-fields.ts'
import type { SseStreams } from './sse.ts'

/** What the routes stand on. */
export interface RoutesDeps {
  readonly store: Store
  readonly clock: Clock
  readonly streams: SseStreams
  readonly feed: Feed
  readonly conversations: Conversations
  readonly runs: Runs
  readonly commands: Commands
  readonly approvals: Approvals
  readonly sessions: SessionList
  readonly forks: Forks
  readonly rewinds: Rewinds
  readonly attachments: Attachments
  readonly host: Host
  readonly settings: KeptSettings
  readonly changeSettings: ChangeSettings
  readonly workspace: Workspace
  /** Undefined where the operator wants none. */
  readonly search: Search | undefined
  readonly readiness: Readiness
  /** Undefined where nobody collects them. */
  readonly traces: Traces | undefined
  /** Everything that is measured, as text. */
  readonly measures: () => Promise<string>
  /** How long the questions of a run wait that was begun at the old door; 0 for ever. */
  readonly permissionSeconds: number
  /** Whether processes are made ready in advance. */
  readonly prepares: boolean
  readonly version: string
  /** Of the Agent SDK; undefined for an agent without. */
  readonly sdkVersion: string | undefined
  readonly startedAt: string
  readonly maxBodyBytes: number
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly params: Readonly<Record<string, string>>
  readonly caller: Caller
  /** Notes what the request has done. Every door that changes something calls it, once it has, and before it answers. */
  readonly record: (deed: Deed) => Promise<void>
  /** Aborts when the client has gone or the service stops. Made when it is asked for: an open stream needs none. */
  readonly signal: () => AbortSignal
  readonly about: About
}

/** Answers with the JSON value that the table of endpoints names, or writes the response itself and returns nothing. */
type Route<N extends EndpointName> = (exchange: Exchange) => Promise<AnswerTo<N> | undefined>

/** A handler for each of these doors. */
export type Routes<N extends EndpointName = EndpointName> = { readonly [K in N]: Route<K> }

/** One handler for each door in the table. */
export function createRoutes(deps: RoutesDeps): Routes {
  const { store, streams, conversations, runs, approvals, host } = deps

  return {
    ...commandRoutes(deps),
    ...approvalRoutes(deps),
    ...auditRoutes(deps),
    ...conversationRoutes(deps),
    ...searchRoutes(deps),
    ...docsRoutes(deps),
    ...fileRoutes(deps),
    ...gitRoutes(deps),
    ...insideRoutes(deps),
    ...transcriptRoutes(deps),
    ...sessionRoutes(deps),
    ...uploadRoutes(deps),
    ...feedRoutes(deps),
    ...usageRoutes(deps),

    async health() {
      return { status: 'ok', version: deps.version, started_at: deps.startedAt }
    },

    async stream({ request, response, caller, record, about }) {
      // The app reads errors of this door to the end of the connection, too.
      response.shouldKeepAlive = false
      const body = await readBody(request, ENDPOINTS.stream.body, deps.maxBodyBytes)
      const header = request.headers['last-event-id']
      const { conversation, watch, outcome } = await runs.stream({
        name: body.conversation_id,
        cwd: body.cwd,
        group: body.conversation_group,
        text: body.text,
        attachments: body.attachments,
        options: { ...originalDeadline(deps.permissionSeconds), ...runOptions(body, caller) },
        lastEventId: header === undefined || header === '' ? undefined : await parse('LastEventId', header),
        whenBusy: body.when_busy ?? 'reject',
        key: await keyOf(request, body.client_message_id),
        mayDecide: mayDecide(caller),
      })
      response.setHeader(LAST_EVENT_ID, String(conversation.head))
      response.setHeader(OUTCOME, outcome)
      const run = watch.until !== 'never' && 'run' in watch.until ? watch.until.run : undefined
      if (run !== undefined) {
        noteRun(deps.traces, about, { conversation: watch.conversation, run, outcome })
        response.setHeader(RUN_ID, run)
      }
      if (isNew(outcome))
        await record({ conversation: watch.conversation, run, folder: conversation.folder, detail: outcome })
      streams.open(response, watch)
      return undefined
    },

    async events({ request, response, params, signal }) {
      const { id: name } = await parse(ENDPOINTS.events.params, params)
      const { since = 0, cwd } = await readQuery(request.url, ENDPOINTS.events.query)
      const { conversation, isOwn } = await conversations.find(name, cwd)
      response.setHeader(LAST_EVENT_ID, String(conversation.head))
      if (since > 0 && !isOwn) {
        // A cursor is worth something only under the id it was made for. Said, never stored.
        response.setHeader(RESET, 'true')
        const line = `${toLine(switchedNotice(conversation.id, name, conversation.folder))}\n`
        const notice = { first: since + 1, count: 1, lines: Buffer.from(line) }
        await sendNdjson(response, only(notice), notice.first, signal())
        return undefined
      }
      const pages = storedPages(store, conversation.id, since, conversation.head)
      await sendNdjson(response, pages, conversation.head, signal())
      return undefined
    },

    async canonical({ request, record }) {
      const { cwd, conversation_group: group } = await readQuery(request.url, ENDPOINTS.canonical.query)
      const { conversation, created } = await conversations.canonical({ cwd, group })
      if (created) await record({ conversation: conversation.id, folder: conversation.folder })
      // The app asks when a chat is opened: a prompt may be near.
      if (deps.prepares) host.prepare(conversation)
      return { canonical_id: conversation.id, cwd: conversation.folder, created }
    },

    async prepare({ request, caller, record }) {
      const body = await readBody(request, ENDPOINTS.prepare.body, deps.maxBodyBytes)
      const options = await runs.checked(runOptions(body, caller), body.cwd)
      const { conversation, created } = await conversations.canonical({ cwd: body.cwd })
      if (created || deps.prepares) await record({ conversation: conversation.id, folder: conversation.folder })
      if (deps.prepares) host.prepare(conversation, options)
      return { canonical_id: conversation.id, preparing: deps.prepares }
    },

    async activate({ request, record }) {
      const body = await readBody(request, ENDPOINTS.activate.body, deps.maxBodyBytes)
      const { conversation_id: id, cwd, conversation_group: group } = body
      const previous = await conversations.activate({ id, cwd, group })
      const { folder } = await conversations.own(id)
      await record({ conversation: id, folder, ...(previous !== undefined && { detail: `instead of ${previous}` }) })
      return { conversation_id: id, canonical_id: id, previous_id: previous ?? null }
    },

    async permission({ request, caller, record }) {
      const body = await readBody(request, ENDPOINTS.permission.body, deps.maxBodyBytes)
      const found = await store.resolve(body.conversation_id)
      const known = await store.approval(body.permission_id as ApprovalId)
      if (!found || known?.conversation !== found.conversation.id || known.state !== 'pending') throw notOpen()
      const answer = { decision: decisionOf(body, known), remember: 'none' as const, by: nameOf(caller) }
      await approvals.answer(known.id, answer).catch((error: unknown) => {
        throw error instanceof AppError && error.code === 'already_resolved' ? notOpen() : error
      })
      const { id: conversation, folder } = found.conversation
      await record({ conversation, run: known.run, subject: known.id, folder, detail: body.behavior })
      return { ok: true }
    },
  }
}

/** What the original did: a question that nobody answers in time is denied. */
function originalDeadline(seconds: number): Pick<RunOptions, 'deadline'> {
  return seconds === 0 ? {} : { deadline: { seconds, outcome: 'deny' } }
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item
}

/** Whether a prompt has begun something, and did not only find it. */
export function isNew(outcome: Outcome): boolean {
  return outcome !== 'attached' && outcome !== 'repeated'
}
