import type { IncomingMessage, ServerResponse } from 'node:http'
import { switchedNotice } from '@claude-proxy/protocol/events'
import { AppError } from '@claude-proxy/protocol/errors'
import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { toLine } from '@claude-proxy/protocol/json'
import type { RunFields } from '@claude-proxy/protocol/requests'
import type { Approvals } from '../core/approvals/approvals.ts'
import type { Conversations } from '../core/conversations.ts'
import { storedPages } from '../core/log/pages.ts'
import type { RunOptions, Store } from '../core/ports.ts'
import type { Host } from '../core/runs/host.ts'
import type { Runs } from '../core/runs/runs.ts'
import { parse, readBody, readQuery } from './read.ts'
import { sendNdjson } from './ndjson.ts'
import type { SseStreams } from './sse.ts'

/** What the routes stand on. */
export interface RoutesDeps {
  readonly store: Store
  readonly streams: SseStreams
  readonly conversations: Conversations
  readonly runs: Runs
  readonly approvals: Approvals
  readonly host: Host
  /** Whether processes are made ready in advance. */
  readonly prepares: boolean
  readonly version: string
  readonly startedAt: string
  readonly maxBodyBytes: number
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly params: Readonly<Record<string, string>>
  /** Aborts when the client has gone or the service stops. Made when it is asked for: an open stream needs none. */
  readonly signal: () => AbortSignal
}

/** Answers with a JSON value, or writes the response itself and returns nothing. */
type Route = (exchange: Exchange) => Promise<object | undefined>

const LAST_EVENT_ID = 'x-proxy-last-event-id'
const RESET = 'x-proxy-reset'

/** One handler for each door in the table. */
export function createRoutes(deps: RoutesDeps): Record<EndpointName, Route> {
  const { store, streams, conversations, runs, approvals, host } = deps

  return {
    async health() {
      return { status: 'ok', version: deps.version, started_at: deps.startedAt }
    },

    async stream({ request, response }) {
      // The app reads errors of this door to the end of the connection, too.
      response.setHeader('connection', 'close')
      const body = await readBody(request, ENDPOINTS.stream.body, deps.maxBodyBytes)
      const header = request.headers['last-event-id']
      const { conversation, watch } = await runs.stream({
        name: body.conversation_id,
        cwd: body.cwd,
        group: body.conversation_group,
        text: body.text,
        options: runOptions(body),
        lastEventId: header === undefined || header === '' ? undefined : await parse('LastEventId', header),
      })
      response.setHeader(LAST_EVENT_ID, String(conversation.head))
      streams.open(response, watch)
      return undefined
    },

    async events({ request, response, params, signal }) {
      const { id: name } = await parse(ENDPOINTS.events.params, params)
      const { since = 0, cwd } = await readQuery(request.url ?? '', ENDPOINTS.events.query)
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

    async canonical({ request }) {
      const { cwd, conversation_group: group } = await readQuery(request.url ?? '', ENDPOINTS.canonical.query)
      const { conversation, created } = await conversations.canonical({ cwd, group })
      // The app asks when a chat is opened: a prompt may be near.
      if (deps.prepares) host.prepare(conversation)
      return { canonical_id: conversation.id, cwd: conversation.folder, created }
    },

    async prepare({ request }) {
      const body = await readBody(request, ENDPOINTS.prepare.body, deps.maxBodyBytes)
      const options = await runs.checked(runOptions(body), body.cwd)
      const { conversation } = await conversations.canonical({ cwd: body.cwd })
      if (deps.prepares) host.prepare(conversation, options)
      return { canonical_id: conversation.id, preparing: deps.prepares }
    },

    async activate({ request }) {
      const body = await readBody(request, ENDPOINTS.activate.body, deps.maxBodyBytes)
      const { conversation_id: id, cwd, conversation_group: group } = body
      const previous = await conversations.activate({ id, cwd, group })
      return { conversation_id: id, canonical_id: id, previous_id: previous ?? null }
    },

    async permission({ request }) {
      const body = await readBody(request, ENDPOINTS.permission.body, deps.maxBodyBytes)
      const found = await store.resolve(body.conversation_id)
      const message = body.message?.trim() || 'Permission denied by user.'
      const decision =
        body.behavior === 'allow' ? { behavior: 'allow' as const } : { behavior: 'deny' as const, message }
      if (found && approvals.answer(found.conversation.id, body.permission_id, decision)) return { ok: true }
      throw new AppError(
        'permission_not_found',
        'No such question is open: it was answered, has expired, or its run is over.',
      )
    },
  }
}

/** The options of a run as the core names them, without those that were not given. */
function runOptions(body: RunFields): RunOptions {
  const approvals = body.tool_approvals
  const options = {
    allowedTools: body.allowed_tools,
    toolApprovals: approvals && { allow: approvals.allow ?? [], deny: approvals.deny ?? [] },
    systemPrompt: body.system_prompt,
    maxTurns: body.max_turns,
    model: body.model,
    permissionMode: body.permission_mode,
    mcpServers: body.mcp_servers,
    resume: body.resume,
    continueConversation: body.continue_conversation,
    settings: body.settings,
    settingSources: body.setting_sources,
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item
}
