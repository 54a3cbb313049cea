import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import type { ConversationChange } from '@claude-proxy/protocol/requests'
import { toLine } from '@claude-proxy/protocol/json'
import type { SettingName } from '../../core/ports/settings.ts'
import { folderOrSpelling } from '../../core/folders.ts'
import { storedPages } from '../../core/log/pages.ts'
import { WIRE } from '../../core/settings/settings.ts'
import { details, type DetailsDeps, summary } from '../conversation-body.ts'
import { parseQuery } from '../../core/search/query.ts'
import { readCursor, writeCursor } from '../cursors.ts'
import { LAST_EVENT_ID, RESET } from '../headers.ts'
import { sendNdjson } from '../ndjson.ts'
import { noteRun } from '../note-run.ts'
import { parse, readBody, readQuery } from '../read.ts'
import { isNew, type Routes, type RoutesDeps } from '../routes.ts'
import { mayDecide, nameOf } from '../caller.ts'
import { adjustmentsOf, keyOf, runOptions } from '../run-fields.ts'
import { offered } from './search.ts'
import { RETRY_MS } from '../sse.ts'

type ConversationDoor =
  | 'conversations'
  | 'createConversation'
  | 'conversation'
  | 'changeConversation'
  | 'deleteConversation'
  | 'send'
  | 'watch'
  | 'history'
type Deps = DetailsDeps &
  Pick<
    RoutesDeps,
    'conversations' | 'runs' | 'changeSettings' | 'streams' | 'search' | 'sessions' | 'traces' | 'maxBodyBytes'
  >

/** The doors for conversations as things of their own. They know them by their own ids and follow no alias. */
export function conversationRoutes(deps: Deps): Routes<ConversationDoor> {
  const { store, conversations, runs, changeSettings, streams, search, sessions, traces, maxBodyBytes } = deps
  return {
    async conversations({ request }) {
      const query = await readQuery(request.url, ENDPOINTS.conversations.query)
      const { cwd, archived = false, tag, state, text, limit = 50, cursor } = query
      const words = text === undefined ? undefined : parseQuery(text)
      const folder = cwd === undefined ? undefined : await folderOrSpelling(cwd)
      const before = cursor === undefined ? undefined : readCursor(cursor)
      // One more tells whether there is a next page.
      const filter = { folder, isArchived: archived, tag, state, before, limit: limit + 1 }
      const found = words ? await offered(search).conversations(words, filter) : await store.conversations(filter)
      const page = found.slice(0, limit)
      const last = found.length > limit ? page.at(-1) : undefined
      return {
        conversations: await Promise.all(page.map((each) => summary(store, each))),
        next_cursor: last ? writeCursor(last) : null,
      }
    },

    async createConversation({ request, record }) {
      const {
        cwd,
        title,
        tags,
        conversation_id: id,
        adopt,
      } = await readBody(request, ENDPOINTS.createConversation.body, maxBodyBytes)
      const created =
        adopt === undefined
          ? await conversations.create({ id, cwd, title, tags })
          : await sessions.adopt({ session: adopt, id, cwd, title, tags })
      await record({ conversation: created.id, folder: created.folder, ...(adopt !== undefined && { subject: adopt }) })
      return summary(store, created)
    },

    async conversation({ params }) {
      const { id } = await parse(ENDPOINTS.conversation.params, params)
      return details(deps, await conversations.own(id))
    },

    async changeConversation({ request, params, caller, record }) {
      const { id } = await parse(ENDPOINTS.changeConversation.params, params)
      const body = await readBody(request, ENDPOINTS.changeConversation.body, maxBodyBytes)
      const { title, archived: isArchived, tags } = body
      const wanted = adjustmentsOf(body, caller)
      // First, since the agent may refuse them.
      const changed = wanted && (await changeSettings(id, wanted, nameOf(caller)))
      await store.changeConversation(id, { title, isArchived, tags })
      const { folder } = await conversations.own(id)
      await record({ conversation: id, folder, detail: changesOf(body) })
      const effects = Object.entries(changed?.takesEffect ?? {}).map(([name, since]) => [
        WIRE[name as SettingName],
        since,
      ])
      return { ...(await details(deps, await conversations.own(id))), takes_effect: Object.fromEntries(effects) }
    },

    async deleteConversation({ params, record }) {
      const { id } = await parse(ENDPOINTS.deleteConversation.params, params)
      const { folder } = await conversations.own(id)
      await conversations.remove(id)
      streams.end(id)
      search?.forget(id)
      await record({ conversation: id, folder })
      return { deleted: id }
    },

    async send({ request, response, params, caller, record, about }) {
      const { id } = await parse(ENDPOINTS.send.params, params)
      const body = await readBody(request, ENDPOINTS.send.body, maxBodyBytes)
      const { watch, outcome } = await runs.send(id, {
        text: body.text ?? '',
        attachments: body.attachments,
        options: runOptions(body, caller),
        whenBusy: body.when_busy ?? 'queue',
        key: await keyOf(request, body.client_message_id),
        mayDecide: mayDecide(caller),
      })
      response.statusCode = 202
      const run = watch.until !== 'never' && 'run' in watch.until ? watch.until.run : undefined
      if (run !== undefined) noteRun(traces, about, { conversation: watch.conversation, run, outcome })
      const { folder } = await conversations.own(id)
      if (isNew(outcome)) await record({ conversation: watch.conversation, run, folder, detail: outcome })
      const waiting = outcome === 'queued' ? await store.queuedPrompts(folder) : []
      const place = waiting.findIndex((prompt) => prompt.id === run)
      return {
        conversation_id: watch.conversation,
        run_id: run ?? null,
        outcome,
        queue_position: place < 0 ? null : place + 1,
        watch_since: watch.after,
      }
    },

    async history({ request, response, params, signal }) {
      const { id } = await parse(ENDPOINTS.history.params, params)
      const { since = 0 } = await readQuery(request.url, ENDPOINTS.history.query)
      const { head } = await conversations.own(id)
      response.setHeader(LAST_EVENT_ID, String(head))
      await sendNdjson(response, storedPages(store, id, since, head), head, signal())
      return undefined
    },

    async watch({ request, response, params }) {
      const { id } = await parse(ENDPOINTS.watch.params, params)
      const query = await readQuery(request.url, ENDPOINTS.watch.query)
      const conversation = await conversations.own(id)
      const header = request.headers['last-event-id']
      // A browser comes back to the same address: what it has seen since counts.
      const asked = header === undefined || header === '' ? query.since : await parse('LastEventId', header)
      const { head } = conversation
      const after = asked === 'head' ? head : (asked ?? 0)
      const verdict = after > head ? 'reset' : after === head ? 'live' : 'resumed'
      const first = query.snapshot
        ? `event: snapshot\ndata: ${toLine({ verdict, ...(await details(deps, conversation)) })}\n\n`
        : ''
      response.setHeader(LAST_EVENT_ID, String(head))
      if (verdict === 'reset') response.setHeader(RESET, 'true')
      streams.open(
        response,
        // A cursor beyond the end comes from elsewhere: the client has to start over.
        { conversation: id, after: verdict === 'reset' ? 0 : after, until: 'never' },
        {
          opening: `retry: ${RETRY_MS}\n\n${first}`,
          showsPartials: query.partials === true,
          ...(query.close_after !== undefined && { closeAfterMs: query.close_after * 1000 }),
        },
      )
      return undefined
    },
  }
}

/** What was changed, by the names of the fields; of the permission mode also to what. */
function changesOf(body: ConversationChange): string {
  const names = Object.entries(body).flatMap(([name, value]) => (value === undefined ? [] : name))
  return names.map((name) => (name === 'permission_mode' ? `${name} ${body.permission_mode}` : name)).join(', ')
}
