import type { Answer } from '@claude-proxy/protocol/endpoints'
import type { AgentEvent } from './events.ts'
import type { Verdict } from './follow.ts'
import type { Service } from './http.ts'
import { readJson, type Reader, readStream, type StreamOptions } from './stream.ts'

/** What goes on when a stream of many conversations begins. */
export interface FeedSnapshot {
  readonly head: string
  /** How many conversations work, and how many wait for a person; the first of them are in `conversations`. */
  readonly running: number
  readonly waiting: number
  readonly conversations: readonly Answer<'Conversation'>[]
}

export type FeedItem =
  | { readonly kind: 'open'; readonly verdict: Verdict; readonly snapshot: FeedSnapshot | undefined }
  /** `cursor`: where to go on. */
  | {
      readonly kind: 'event'
      readonly cursor: string
      readonly conversation: string
      readonly id: number
      readonly event: AgentEvent
    }

export interface FollowAllOptions extends StreamOptions {
  /** These conversations; all, also those to come, if nothing is said. */
  readonly conversations?: readonly string[] | undefined
  /** Events of these types. */
  readonly types?: readonly string[] | undefined
  /** Behind this cursor; `head` for what is new. Everything, if nothing is said. */
  readonly since?: string | undefined
  /** Whether each connection begins with what goes on. */
  readonly snapshot?: boolean | undefined
}

/** The events of many conversations, each once, for as long as somebody asks for more (PROTOCOL.md 3.13). */
export function followAll(service: Service, options: FollowAllOptions = {}): AsyncGenerator<FeedItem, void> {
  return readStream(service, createReader(options), options)
}

function createReader({ conversations, types, since, snapshot }: FollowAllOptions): Reader<FeedItem> {
  let cursor = since === 'head' ? undefined : since
  const isShown = snapshot === true

  return {
    asks: () => ({
      method: 'GET',
      path: '/v1/stream',
      query: {
        conversations,
        types,
        since,
        // Where `head` is, it says, too: the connection may break before the first event.
        snapshot: isShown || (since === 'head' && cursor === undefined) || undefined,
      },
      headers: cursor === undefined || cursor === since ? {} : { 'last-event-id': cursor },
    }),

    opens(headers) {
      if (isShown || (since === 'head' && cursor === undefined)) return []
      if (headers.get('x-proxy-reset') === 'true') return [open('reset')]
      return [open(headers.get('x-proxy-last-event-id') === cursor ? 'live' : 'resumed')]
    },

    takes({ name, data, id }) {
      if (name === 'snapshot' && data !== undefined) {
        const { verdict, ...shown } = readJson(data) as FeedSnapshot & { verdict: Verdict }
        if (since === 'head') cursor ??= shown.head
        return [open(verdict, isShown ? shown : undefined)]
      }
      if (name !== '' || id === undefined) return []
      const place = { cursor: id }
      const found: FeedItem[] = data === undefined ? [] : [{ kind: 'event', ...place, ...readEvent(data) }]
      // Also without an event: what was not asked for is not passed over again.
      cursor = id
      return found
    },
  }

  function open(verdict: Verdict, shown?: FeedSnapshot): FeedItem {
    return { kind: 'open', verdict, snapshot: shown }
  }
}

function readEvent(data: string) {
  const { conversation_id: conversation, number: id, event } = readJson(data) as Wire
  return { conversation, id, event }
}

interface Wire {
  readonly conversation_id: string
  readonly number: number
  readonly event: AgentEvent
}
