import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { toFeedSse, writeFeedPlace } from '@claude-proxy/protocol/feed'
import { partialFrame, PING, SSE_TYPE, toSse } from '@claude-proxy/protocol/frames'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Feed } from '../core/log/feed.ts'
import { FeedReader, type FeedWatch } from '../core/log/feed-reader.ts'
import type { EventLog } from '../core/log/log.ts'
import { type PartialSink, Reader, type Sink, type Watch } from '../core/log/reader.ts'
import type { Partials } from '../core/partials/partials.ts'
import { PAGE_IS, type Page } from '../core/ports/event.ts'
import type { FeedPage } from '../core/ports/feed.ts'
import type { Metrics } from '../core/ports/metrics.ts'
import type { Log } from '../core/ports/outside.ts'
import { inSlices } from '../core/slices.ts'
import { chunkedSocket, createChunks, textChunk } from './chunks.ts'

/** How often streams are looked at, and after how many looks a silent one says that it is still there: 15 seconds. */
const LOOK_MS = 5000
const SILENT_LOOKS = 3
/** What a socket may hold unsent. A reader that is further behind is a position, and catches up when it drains. */
const FULL_BYTES = 256 * 1024

export type SseStreams = ReturnType<typeof createSseStreams>

/** When a client may come back by itself, and over how long those are spread that a stop of ours has cut off. */
export const RETRY_MS = 1000
const SPREAD_MS = 5000

export interface StreamOptions {
  /** What is sent before the events: lines of the protocol that are no events. */
  readonly opening?: string
  /** When it ends by itself; its client comes back. */
  readonly closeAfterMs?: number
  /** Whether it shows what is not stored yet. */
  readonly showsPartials?: boolean
}

interface SseDeps {
  readonly events: EventLog
  readonly partials: Partials | undefined
  readonly log: Log
  readonly metrics: Metrics
}

/** The open event streams. Events are written as bytes straight to the sockets: one buffer for all who read the same. */
export function createSseStreams({ events, partials, log, metrics }: SseDeps) {
  const streams = new Set<AnyStream>()
  const outside: Outside = { log, metrics }
  let looks: NodeJS.Timeout | undefined

  return {
    /** How many are open. */
    get count(): number {
      return streams.size
    },

    /** Answers with the events of `watch`; ends the response, and the connection, after the last. */
    open(out: ServerResponse, watch: Watch, options: StreamOptions = {}): void {
      const shown = options.showsPartials ? partials : undefined
      begin(out, options, EVENTS, (stream) => new Reader(events, watch, stream, shown && stream.partialSink(shown)))
    },

    /** Answers with the events of many conversations. */
    openFeed(out: ServerResponse, feed: Feed, watch: FeedWatch, options: StreamOptions = {}): void {
      begin(out, options, FEED, (stream) => new FeedReader(feed, watch, stream))
    },

    /** Ends the streams that are about a conversation that is gone. */
    end(conversation: ConversationId): void {
      for (const stream of streams) {
        stream.source.forget?.()
        if (stream.source.isAbout(conversation)) stream.finish()
      }
    },

    /** Sends to all streams what there is for them, and ends them. Their readers come back and go on where they were. */
    close(): void {
      for (const stream of streams) {
        // Not all at once: a service that has just started has better things to do.
        if (stream.source.isEndless) stream.write(`retry: ${RETRY_MS + Math.floor(Math.random() * SPREAD_MS)}\n\n`)
        stream.finish()
      }
    },
  }

  function begin<P extends object, S extends Source>(
    out: ServerResponse,
    { opening, closeAfterMs }: StreamOptions,
    form: Form<P, S>,
    read: (stream: Stream<P, S>) => S,
  ): void {
    // The client has gone while its request was served: no end would come that could close its stream.
    if (out.closed) return
    // The app reads to the end of the connection, not to the last chunk.
    out.shouldKeepAlive = false
    out.writeHead(200, {
      'content-type': SSE_TYPE,
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    // There is nothing more to come for who wants the headers alone.
    if (out.req.method === 'HEAD') return void out.end()
    // An idle stream shows its headers at once; where there is more to say at once, all of it goes out together.
    // (The response's own cork would stay half on one whose turn on its connection comes meanwhile.)
    const { socket } = out
    socket?.cork()
    process.nextTick(() => socket?.uncork())
    out.flushHeaders()
    const stream = new Stream(out, form, outside, read)
    streams.add(stream)
    if (opening !== undefined) stream.write(opening)
    looks ??= setInterval(look, LOOK_MS)
    const closing = closeAfterMs === undefined ? undefined : setTimeout(() => stream.finish(), closeAfterMs)
    out.on('close', () => {
      clearTimeout(closing)
      streams.delete(stream)
      stream.close()
      if (streams.size > 0) return
      clearInterval(looks)
      looks = undefined
    })
  }

  function look(): void {
    inSlices(streams, (stream) => stream.look())
  }
}

/** What delivers pages to a stream. */
interface Source {
  resume(): void
  end(): void
  close(): void
  isAbout(conversation: ConversationId): boolean
  /** Keeps nothing of what was read for it: some of it is no longer there. */
  forget?(): void
  /** Whether there is no end to what it reads: when its stream ends all the same, the client comes back. */
  readonly isEndless: boolean
}

/** What becomes of pages on the wire. */
interface Form<P, S> {
  readonly frames: (page: P) => Uint8Array
  readonly writeChunk: (socket: Socket, page: P) => number
  /** What a silent stream says. */
  readonly ping: (source: S) => string
}

const EVENTS: Form<Page, Reader> = {
  frames: toSse,
  writeChunk: createChunks({ form: toSse, ...PAGE_IS }),
  ping: () => PING,
}

const feedFrames = ({ batches }: FeedPage) => toFeedSse(batches)
const FEED: Form<FeedPage, FeedReader> = {
  frames: feedFrames,
  writeChunk: createChunks({ form: feedFrames, own: () => undefined, isShared: () => true }),
  // An id without data is remembered (HTML, section 9.2.6): who wants little does not pass over the same again.
  ping: ({ place }) => (place === undefined ? PING : `: ping\nid: ${writeFeedPlace(place)}\n\n`),
}

/** Who hears of what happens to streams. */
type Outside = Pick<SseDeps, 'log' | 'metrics'>

type AnyStream = Pick<Stream<object, Source>, 'source' | 'write' | 'finish' | 'look'>

/** One response that is an event stream. There may be thousands: it holds no more than it needs. */
class Stream<P extends object, S extends Source> implements Sink<P> {
  readonly source: S
  readonly #out: ServerResponse
  readonly #socket: Socket | undefined
  readonly #form: Form<P, S>
  readonly #outside: Outside
  readonly #drained = () => this.source.resume()
  /** Looks since something was written. */
  #silence = 0

  constructor(out: ServerResponse, form: Form<P, S>, outside: Outside, read: (stream: Stream<P, S>) => S) {
    this.#out = out
    this.#socket = chunkedSocket(out)
    this.#form = form
    this.#outside = outside
    this.source = read(this)
    ;(this.#socket ?? out).on('drain', this.#drained)
  }

  take(page: P): boolean {
    this.#silence = 0
    const { metrics } = this.#outside
    if (!this.#socket) {
      const frames = this.#form.frames(page)
      metrics.bytesSent(frames.length)
      return this.#out.write(frames)
    }
    metrics.bytesSent(this.#form.writeChunk(this.#socket, page))
    return this.#socket.writableLength < FULL_BYTES
  }

  end(): void {
    this.#out.end()
  }

  fail(error: unknown): void {
    this.#outside.log.error('a stream broke off', { path: this.#out.req.url, error })
    this.#out.destroy()
  }

  partialSink(partials: Partials): PartialSink {
    return {
      partials,
      isDrained: () => !this.#needsDrain,
      show: (lines) => {
        this.#silence = 0
        this.write(lines.map(partialFrame).join(''))
      },
    }
  }

  /** Sends something that is no event, of ASCII. */
  write(text: string): void {
    // The response would write it in the next tick, behind events that came later.
    if (this.#socket) this.#socket.write(textChunk(text), 'latin1')
    else this.#out.write(text)
  }

  /** Sends what there is, and ends. */
  finish(): void {
    this.source.end()
  }

  /** Says that it is still there, if it has been silent for long. */
  look(): void {
    if (++this.#silence < SILENT_LOOKS || this.#needsDrain) return
    this.#silence = 0
    this.write(this.#form.ping(this.source))
  }

  get #needsDrain(): boolean {
    return (this.#socket ?? this.#out).writableNeedDrain
  }

  close(): void {
    this.source.close()
    this.#socket?.off('drain', this.#drained)
  }
}
