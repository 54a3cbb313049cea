import { z } from 'zod'
import { ConversationId } from '../conversation-id.ts'
import { conversationGroup, cursor, cwd, flag, limit, optional, position, searchWords, tag } from './fields.ts'

/** Events: watched as they happen, replayed, found, told as a document. */

/** How many seconds a stream is open at most. */
const closeAfter = optional(
  z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a whole number of seconds from 1 to 99999')
    .transform(Number),
)

/** Query of `GET /v1/conversations/{id}/stream`. */
export const WatchQuery = z.object({
  since: optional(z.union([z.literal('head'), position('since')])),
  snapshot: flag,
  partials: flag,
  close_after: closeAfter,
})

/** The `Last-Event-ID` header: the number of the last event the reader has. */
export const LastEventId = position('Last-Event-ID')

/** Query of `GET /v1/conversations/{id}/history`. */
export const HistoryQuery = z.object({ since: optional(position('since')) })

/** Path and query of `GET /v1/conversations/{id}/events`. Here the id may be an alias (PROTOCOL.md 5.4). */
export const EventsPath = z.object({ id: ConversationId })
export const EventsQuery = z.object({
  since: optional(position('since')),
  cwd: optional(cwd),
  conversation_group: conversationGroup,
})

/** What somebody wants of all conversations: some of them, some types of events. */
const feedChoice = {
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

/** The cursor that came with an event of the feed. */
const feedCursor = optional(z.string().max(256))

/** Query of `GET /v1/stream`. */
export const FeedQuery = z.object({ ...feedChoice, since: feedCursor, snapshot: flag, close_after: closeAfter })

/** Query of `GET /v1/history`. */
export const FeedHistoryQuery = z.object({ ...feedChoice, since: feedCursor, limit })

/** Query of `GET /v1/search`. */
export const SearchQuery = z.object({
  q: searchWords,
  cwd: optional(cwd),
  tag: optional(tag),
  archived: flag,
  conversation_id: optional(ConversationId),
  limit: optional(
    z
      .string()
      .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
      .transform(Number),
  ),
  cursor,
})

/** Query of `GET /v1/conversations/{id}/transcript`. */
export const TranscriptQuery = z.object({
  format: z.enum(['md', 'html', 'json']).default('md'),
  since: optional(position('since')),
  until: optional(position('until')),
  thinking: flag,
})
