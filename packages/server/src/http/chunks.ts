import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Pages from here on come from the store, for one reader, and are not worth another copy. */
const LARGE_BYTES = 128 * 1024

/**
 * Where the body of a response can be written past it, as chunks (RFC 9112, section 7.1): the response would copy and
 * frame every page for each reader anew. Undefined for a client of HTTP/1.0, which knows no chunks, for a pipelined
 * response, which has no socket yet, and for HEAD, which gets no body.
 */
export function chunkedSocket(out: ServerResponse): Socket | undefined {
  return (out.chunkedEncoding && out.req.method !== 'HEAD' && out.socket) || undefined
}

/** How pages of one kind are written. */
export interface ChunkForm<P> {
  /** Their lines as they are, or frames. */
  readonly form: (page: P) => Uint8Array
  /** The bytes of a page, if nobody else has them. */
  readonly own: (page: P) => Uint8Array | undefined
  /** Whether what was made of a page is kept as long as the page. */
  readonly isShared: (page: P) => boolean
}

/** A writer of pages; it says how many bytes that was. */
export function createChunks<P extends object>({
  form,
  own,
  isShared,
}: ChunkForm<P>): (socket: Socket, page: P) => number {
  const known = new WeakMap<P, Buffer>()

  return (socket, page) => {
    const ready = known.get(page)
    if (ready) {
      socket.write(ready)
      return ready.length
    }
    const body = form(page)
    const head = Buffer.from(`${body.length.toString(16)}\r\n`)
    const lines = own(page)
    if (lines === undefined || body.length < LARGE_BYTES) {
      const chunk = Buffer.concat([head, body, BREAK])
      if (isShared(page)) known.set(page, chunk)
      socket.write(chunk)
      return chunk.length
    }
    if (body !== lines) giveBack(lines)
    const { length } = body
    socket.cork()
    socket.write(head)
    socket.write(body, () => giveBack(body))
    socket.write(BREAK)
    socket.uncork()
    return length
  }
}

/** A chunk of ASCII text. */
export function textChunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

const BREAK = Buffer.from('\r\n')

/**
 * Gives the memory back at once. A replay makes gigabytes a second of it, and if that were left to the collector it
 * would do little else. Large buffers have their memory to themselves; small ones share a pool.
 */
function giveBack({ buffer, length }: Uint8Array): void {
  if (length >= LARGE_BYTES && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0)
}
