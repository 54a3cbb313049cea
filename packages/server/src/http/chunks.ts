import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Lines } from '@claude-proxy/protocol/frames'
import type { Page } from '../core/ports/event.ts'

/** Pages from here on come from the store, for one reader, and are not worth another copy. */
const LARGE_BYTES = 128 * 1024

/** What becomes of a page on its way out: its lines as they are, or frames. */
export type Form = (lines: Lines) => Uint8Array

/**
 * Where the body of a response can be written past it, as chunks (RFC 9112, section 7.1): the response would copy and
 * frame every page for each reader anew. Undefined for a client of HTTP/1.0, which knows no chunks, for a pipelined
 * response, which has no socket yet, and for HEAD, which gets no body.
 */
export function chunkedSocket(out: ServerResponse): Socket | undefined {
  return (out.chunkedEncoding && out.req.method !== 'HEAD' && out.socket) || undefined
}

/** Writers of pages in one form. What was made of a shared page is kept as long as the page. */
export function createChunks(form: Form): (socket: Socket, page: Page) => void {
  const known = new WeakMap<Page, Buffer>()

  return (socket, page) => {
    const ready = known.get(page)
    if (ready) {
      socket.write(ready)
      return
    }
    const body = form(page)
    const head = Buffer.from(`${body.length.toString(16)}\r\n`)
    if (!page.isOwn || body.length < LARGE_BYTES) {
      const chunk = Buffer.concat([head, body, BREAK])
      known.set(page, chunk)
      socket.write(chunk)
      return
    }
    if (body !== page.lines) giveBack(page.lines)
    socket.cork()
    socket.write(head)
    socket.write(body, () => giveBack(body))
    socket.write(BREAK)
    socket.uncork()
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
