import type { Answer } from '@claude-proxy/protocol/endpoints'
import { ClaudeProxyError } from './errors.ts'
import type { AgentEvent, Piece } from './events.ts'
import type { Service } from './http.ts'
import { readJson, type Reader, readStream, type StreamOptions } from './stream.ts'

/** How a connection goes on from the one before it: nothing was missed, the rest comes, or all begins anew at 1. */
export type Verdict = 'live' | 'resumed' | 'reset'

/** What a conversation is and does when a stream begins. */
export type Snapshot = Answer<'ConversationDetails'>

export type FollowItem =
  /** A connection is there. What was shown by `partial` before is void; after `reset` so is everything. */
  | { readonly kind: 'open'; readonly verdict: Verdict; readonly snapshot: Snapshot | undefined }
  | { readonly kind: 'event'; readonly id: number; readonly event: AgentEvent }
  | { readonly kind: 'partial'; readonly partial: Piece }
  /** Events that the service should have and does not give, also when it is asked again. There are none today. */
  | { readonly kind: 'gap'; readonly after: number; readonly before: number }

export interface FollowOptions extends StreamOptions {
  /** The events after this one; `head` for what is new. All, if nothing is said. */
  readonly since?: number | 'head' | undefined
  /** Whether to see what is being written before it is an event. */
  readonly partials?: boolean | undefined
  /** Whether each connection begins with what the conversation is and does. */
  readonly snapshot?: boolean | undefined
}

/** How often the same place is asked for when what comes does not follow it. */
const LOOKS = 3

/** The events of a conversation, each once and in order, for as long as somebody asks for more. */
export function follow(service: Service, id: string, options: FollowOptions = {}): AsyncGenerator<FollowItem, void> {
  return readStream(service, createReader(id, options), options)
}

function createReader(id: string, { since = 0, partials, snapshot }: FollowOptions): Reader<FollowItem> {
  let last = since === 'head' ? undefined : since
  /** How often something came that does not follow `last`. */
  let misses = 0
  const isShown = snapshot === true

  return {
    asks: () => ({
      method: 'GET',
      path: `/v1/conversations/${encodeURIComponent(id)}/stream`,
      query: {
        since,
        partials: partials || undefined,
        // Where `head` is, it says, too: the connection may break before the first event.
        snapshot: isShown || last === undefined || undefined,
      },
      // As a browser's EventSource: the same address, and what it has.
      headers: last === undefined || last === since ? {} : { 'last-event-id': String(last) },
    }),

    opens(headers) {
      if (isShown || last === undefined) return []
      if (headers.get('x-proxy-reset') === 'true') return begin('reset')
      return begin(headers.get('x-proxy-last-event-id') === String(last) ? 'live' : 'resumed')
    },

    takes({ name, data, id: number }) {
      if (data === undefined) return []
      if (name === 'partial') return [{ kind: 'partial', partial: readJson(data) as Piece }]
      if (name === 'snapshot') return takeSnapshot(data)
      return name === '' && number !== undefined ? takeEvent(Number(number), data) : []
    },
  }

  function begin(verdict: Verdict, shown?: Snapshot): FollowItem[] {
    if (verdict === 'reset') last = 0
    return [{ kind: 'open', verdict, snapshot: shown }]
  }

  function takeSnapshot(data: string): FollowItem[] {
    const { verdict, ...shown } = readJson(data) as Snapshot & { verdict: Verdict }
    last ??= shown.head
    return begin(verdict, isShown ? shown : undefined)
  }

  function takeEvent(number: number, data: string): FollowItem[] {
    const before = last ?? number - 1
    if (number <= before) return []
    const found: FollowItem[] = []
    if (number > before + 1) {
      if (++misses < LOOKS) throw new ClaudeProxyError('unreachable', `After event ${before} came ${number}.`)
      found.push({ kind: 'gap', after: before, before: number })
    }
    found.push({ kind: 'event', id: number, event: readJson(data) as AgentEvent })
    last = number
    misses = 0
    return found
  }
}
