import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTick } from 'node:timers/promises'
import { codingFor, encoder } from './coding.ts'

/**
 * Sends a document of unknown length, compressed for a client that asks for it. A piece is made when the one before is
 * on its way: a slow reader costs its position, not our memory. Stops when `signal` aborts.
 */
export async function sendDocument(
  out: ServerResponse,
  pieces: AsyncIterable<string | Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  out.setHeader('x-content-type-options', 'nosniff')
  out.setHeader('cache-control', 'no-cache, no-transform')
  out.appendHeader('vary', 'accept-encoding')
  const coding = codingFor(out.req)
  if (coding) out.setHeader('content-encoding', coding)
  if (out.req.method === 'HEAD') {
    out.writeHead(200).end()
    return
  }
  const source = Readable.from(inTurns(pieces), { objectMode: false })
  try {
    await (coding ? pipeline(source, encoder(coding), out, { signal }) : pipeline(source, out, { signal }))
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** The socket of a fast reader never says stop: without this, one document would hold everybody else. */
async function* inTurns<T extends string | Uint8Array>(pieces: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const piece of pieces) {
    if (piece.length > 0) yield piece
    await nextTick()
  }
}
