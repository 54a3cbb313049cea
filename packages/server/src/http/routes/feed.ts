import { feedEntries, type FeedEntry, type FeedPlace, readFeedPlace, writeFeedPlace } from '@claude-proxy/protocol/feed'
import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { setImmediate as nextTick } from 'node:timers/promises'
import { type Choice, chosen } from '../../core/log/choice.ts'
import { busyConversations } from '../busy.ts'
import { LAST_EVENT_ID, RESET } from '../headers.ts'
import { readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { RETRY_MS } from '../sse.ts'

type FeedDoor = 'feed' | 'feedHistory'
type Deps = Pick<RoutesDeps, 'store' | 'conversations' | 'streams' | 'feed'>

/** What a page of history holds at most. */
const PAGE_EVENTS = 100
const PAGE_BYTES = 1024 * 1024
const READ_BYTES = 64 * 1024
/** How often it looks for something that was asked for, before it answers with what it has. */
const LOOKS = 200

/** The doors to many conversations at once. */
export function feedRoutes({ store, conversations, streams, feed }: Deps): Routes<FeedDoor> {
  return {
    async feed({ request, response }) {
      const query = await readQuery(request.url, ENDPOINTS.feed.query)
      const choice = await choiceOf(query)
      const header = request.headers['last-event-id']
      // A browser comes back to the same address: what it has seen since counts.
      const asked = header === undefined || header === '' ? query.since : String(header)
      const head = await store.feedHead()
      const { after, isReset } = asked === 'head' ? { after: head, isReset: false } : await placeOf(asked)
      const verdict = isReset ? 'reset' : (await isLevel(after, choice)) ? 'live' : 'resumed'
      const cursor = writeFeedPlace(head)
      const first = query.snapshot
        ? `event: snapshot\ndata: ${toLine({ verdict, head: cursor, ...(await busyConversations(store, choice.only)) })}\n\n`
        : ''
      response.setHeader(LAST_EVENT_ID, cursor)
      if (isReset) response.setHeader(RESET, 'true')
      streams.openFeed(
        response,
        feed,
        { ...choice, after },
        {
          opening: `retry: ${RETRY_MS}\n\n${first}`,
          ...(query.close_after !== undefined && { closeAfterMs: query.close_after * 1000 }),
        },
      )
      return undefined
    },

    async feedHistory({ request, response, signal }) {
      const query = await readQuery(request.url, ENDPOINTS.feedHistory.query)
      const choice = await choiceOf(query)
      const { after, isReset } = await placeOf(query.since)
      if (isReset) response.setHeader(RESET, 'true')
      const { entries, cursor, hasMore } = await collect(after, choice, query.limit ?? PAGE_EVENTS, signal())
      const events = entries.map(({ id, data }) => `{"cursor":"${id}",${data.slice(1)}`)
      const rest = toLine({ cursor, has_more: hasMore, reset: isReset })
      const body = Buffer.from(`{"events":[${events.join(',')}],${rest.slice(1)}`, 'latin1')
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
      return undefined
    },
  }

  /** Every conversation that is named is there. */
  async function choiceOf(query: ChoiceFields): Promise<Choice> {
    const only = query.conversations && new Set(query.conversations)
    for (const id of only ?? []) await conversations.own(id)
    return { only, types: query.types && new Set(query.types) }
  }

  /** Where a client is. A place that is not of this store means nothing here: it starts over. */
  async function placeOf(cursor: string | undefined): Promise<{ after: FeedPlace | undefined; isReset: boolean }> {
    if (cursor === undefined) return { after: undefined, isReset: false }
    const place = readFeedPlace(cursor)
    if (place === undefined) throw new AppError('bad_request', 'The cursor is none that this service gave.')
    return (await store.feedKnows(place)) ? { after: place, isReset: false } : { after: undefined, isReset: true }
  }

  /** Whether there is nothing to be told after a place; what takes long to be seen counts as something. */
  async function isLevel(after: FeedPlace | undefined, choice: Choice): Promise<boolean> {
    const page = await store.feed(after, choice.only && [...choice.only], 1)
    return page.isLevel && chosen(page, choice).batches.length === 0
  }

  async function collect(start: FeedPlace | undefined, choice: Choice, limit: number, signal: AbortSignal) {
    const only = choice.only && [...choice.only]
    const entries: FeedEntry[] = []
    let after = start
    let bytes = 0
    for (let looks = 0; looks < LOOKS && !signal.aborted; looks++) {
      const page = await store.feed(after, only, READ_BYTES)
      for (const entry of chosen(page, choice).batches.flatMap((batch) => feedEntries(batch))) {
        const last = entries.at(-1)
        if (last && (entries.length === limit || bytes + entry.data.length > PAGE_BYTES))
          return { entries, cursor: last.id, hasMore: true }
        entries.push(entry)
        bytes += entry.data.length
      }
      after = page.next
      if (page.isLevel) return { entries, cursor: writeFeedPlace(after), hasMore: false }
      await nextTick()
    }
    return { entries, cursor: after && writeFeedPlace(after), hasMore: true }
  }
}

interface ChoiceFields {
  readonly conversations?: readonly ConversationId[] | undefined
  readonly types?: readonly string[] | undefined
}
