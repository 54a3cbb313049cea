import type { ServerResponse } from 'node:http'
import { PING, SSE_TYPE, toSse } from '@claude-proxy/protocol/frames'
import type { EventLog } from '../core/log/log.ts'
import { openReader, type Reader, type Watch } from '../core/log/reader.ts'
import type { Log } from '../core/ports.ts'
import { chunkedSocket, createChunks } from './chunks.ts'

/** How often streams are looked at, and after how many looks a silent one says that it is still there: 15 seconds. */
const LOOK_MS = 5000
const SILENT_LOOKS = 3
/** What a socket may hold unsent. A reader that is further behind is a position, and catches up when it drains. */
const FULL_BYTES = 256 * 1024

export type SseStreams = ReturnType<typeof createSseStreams>

interface Stream {
  readonly out: ServerResponse
  reader: Reader | undefined
  /** Looks since something was written. */
  silence: number
}

/** The open event streams. Events are written as bytes straight to the sockets: one buffer for all who read the same. */
export function createSseStreams({ events, log }: { events: EventLog; log: Log }) {
  const streams = new Set<Stream>()
  const writeChunk = createChunks(toSse)
  let looks: NodeJS.Timeout | undefined

  return {
    /** Answers with the events of `watch`; ends the response, and the connection, after the last. */
    open(out: ServerResponse, watch: Watch): void {
      out.writeHead(200, {
        'content-type': SSE_TYPE,
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        // The app reads to the end of the connection, not to the last chunk.
        connection: 'close',
      })
      // An idle stream shows its headers at once.
      out.flushHeaders()
      const stream: Stream = { out, reader: undefined, silence: 0 }
      streams.add(stream)
      looks ??= setInterval(look, LOOK_MS)
      const socket = chunkedSocket(out)
      const reader = openReader(events, watch, {
        take(page) {
          stream.silence = 0
          if (!socket) return out.write(toSse(page))
          writeChunk(socket, page)
          return socket.writableLength < FULL_BYTES
        },
        end: () => out.end(),
        fail(error) {
          log.error('a stream broke off', { conversation: watch.conversation, error })
          out.destroy()
        },
      })
      stream.reader = reader
      const drained = () => reader.resume()
      ;(socket ?? out).on('drain', drained)
      out.once('close', () => {
        streams.delete(stream)
        reader.close()
        socket?.off('drain', drained)
        if (streams.size > 0) return
        clearInterval(looks)
        looks = undefined
      })
    },

    /** Sends to all streams what there is for them, and ends them. Their readers come back and go on where they were. */
    close(): void {
      for (const { reader } of streams) reader?.end()
    },
  }

  function look(): void {
    for (const stream of streams) {
      if (++stream.silence < SILENT_LOOKS || stream.out.writableNeedDrain) continue
      stream.silence = 0
      stream.out.write(PING)
    }
  }
}
