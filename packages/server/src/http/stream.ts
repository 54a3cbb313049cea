import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTick } from 'node:timers/promises'
import { NDJSON_TYPE, PING, SSE_TYPE, toSse } from '@claude-proxy/protocol/frames'
import type { Page } from '../core/ports.ts'

/** How long a stream may be silent before it says that it is still there. */
const PING_MS = 15_000

/** Sends pages as Server-Sent Events until there are no more, then closes the connection. */
export async function sendSse(out: ServerResponse, pages: AsyncIterable<Page>, signal: AbortSignal): Promise<void> {
  out.writeHead(200, {
    'content-type': SSE_TYPE,
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    // The app reads to the end of the connection, not to the last chunk.
    connection: 'close',
  })
  // An idle stream shows its headers at once.
  out.flushHeaders()
  const ping = setInterval(() => {
    if (!out.writableNeedDrain) out.write(PING)
  }, PING_MS)
  try {
    for await (const page of pages) {
      ping.refresh()
      await write(out, toSse(page.lines, page.first), signal)
    }
    out.end()
  } finally {
    clearInterval(ping)
  }
}

/** Sends pages as NDJSON. A body that fits into one page carries its length. */
export async function sendNdjson(
  out: ServerResponse,
  pages: AsyncIterable<Page>,
  head: number,
  signal: AbortSignal,
): Promise<void> {
  const headers = { 'content-type': NDJSON_TYPE, 'cache-control': 'no-cache, no-transform' }
  for await (const page of pages) {
    const isWhole = !out.headersSent && page.first + page.count - 1 >= head
    if (isWhole) {
      out.writeHead(200, { ...headers, 'content-length': page.lines.length }).end(page.lines)
      return
    }
    if (!out.headersSent) out.writeHead(200, headers)
    await write(out, page.lines, signal)
  }
  if (out.headersSent) out.end()
  else out.writeHead(200, { ...headers, 'content-length': 0 }).end()
}

/** Writes, and waits until the reader has taken enough. A slow reader costs its position, not our memory. */
async function write(out: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  if (out.write(bytes)) {
    // The socket of a fast reader never says stop: without this, one replay would hold everybody else.
    await nextTick()
    return
  }
  try {
    await once(out, 'drain', { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
