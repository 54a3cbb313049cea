import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTick } from 'node:timers/promises'
import { NDJSON_TYPE } from '@claude-proxy/protocol/frames'
import { PAGE_IS, type Page } from '../core/ports/event.ts'
import { chunkedSocket, createChunks } from './chunks.ts'
import { type Coding, codingFor, encoder } from './coding.ts'

const writeChunk = createChunks({ form: ({ lines }: Page) => lines, ...PAGE_IS })

/**
 * Sends pages as NDJSON, compressed for a client that asks for it. A plain body that fits into one page carries its
 * length. Rejects when the pages cannot be read; stops when `signal` aborts.
 */
export async function sendNdjson(
  out: ServerResponse,
  pages: AsyncIterable<Page>,
  head: number,
  signal: AbortSignal,
): Promise<void> {
  out.setHeader('content-type', NDJSON_TYPE)
  out.setHeader('cache-control', 'no-cache, no-transform')
  out.appendHeader('vary', 'accept-encoding')
  const coding = codingFor(out.req)
  if (coding) return sendEncoded(out, pages, coding, signal)
  for await (const page of pages) {
    const isWhole = !out.headersSent && page.first + page.count - 1 >= head
    if (isWhole) {
      out.writeHead(200, { 'content-length': page.lines.length }).end(page.lines)
      return
    }
    // What is written past the response must not come before its head.
    if (!out.headersSent) out.writeHead(200).flushHeaders()
    if (!(await write(out, page, signal))) return
  }
  if (out.headersSent) out.end()
  else out.writeHead(200, { 'content-length': 0 }).end()
}

async function sendEncoded(
  out: ServerResponse,
  pages: AsyncIterable<Page>,
  coding: Coding,
  signal: AbortSignal,
): Promise<void> {
  out.writeHead(200, { 'content-encoding': coding })
  // Not `out` itself: it would be closed by what goes wrong here, as if its client had gone.
  const send = async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const part of bytes) if (!out.write(part)) await once(out, 'drain', { signal })
  }
  try {
    await pipeline(linesOf(pages), encoder(coding), send, { signal })
    out.end()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function* linesOf(pages: AsyncIterable<Page>): AsyncGenerator<Uint8Array> {
  for await (const { lines } of pages) yield lines
}

/** What may wait unsent, so that reading and sending overlap. */
const FULL_BYTES = 512 * 1024

/**
 * Writes, and waits until the reader has taken enough. A slow reader costs its position, not our memory. False: it has
 * gone.
 */
async function write(out: ServerResponse, page: Page, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  const socket = chunkedSocket(out)
  if (socket) writeChunk(socket, page)
  else out.write(page.lines)
  const sink = socket ?? out
  // The socket of a fast reader never says stop: without a pause, one replay would hold everybody else.
  if (sink.writableLength < FULL_BYTES) await nextTick()
  // Whatever ends this wait but a drain is the end of the connection, which may be told before the response closes.
  else await once(sink, 'drain', { signal }).catch(() => sink.destroy())
  return !sink.destroyed
}
