import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '@claude-proxy/protocol/errors'
import { toResponse } from './errors.ts'
import { createRefusal } from './refuse.ts'

export interface HttpServer {
  /** Where it answers, such as `http://127.0.0.1:8787`. */
  readonly url: string
  /** Takes no more connections, waits for the open ones at most `graceMs`, then breaks them. */
  close(graceMs: number): Promise<void>
}

// Imported, it would have all its exports asked for, and with them Node's WebSocket and fetch: 40 ms of every start.
const { createServer } = process.getBuiltinModule('node:http')

/** When many readers come back at once, a short queue costs each of them a second. */
const BACKLOG = 4096

/** Listens. Resolves when it answers; rejects with a sentence when the address cannot be had. */
export async function listen(
  listener: RequestListener,
  address: { host: string; port: number },
  headers: Readonly<Record<string, string>>,
): Promise<HttpServer> {
  const { note, refuse } = createRefusal(headers)
  const answer: RequestListener = (request, response) => {
    note(response)
    listener(request, response)
  }
  // A request without Host gets its answer from us, in our shape.
  const server = createServer({ noDelay: true, requireHostHeader: false }, answer)
  server.on('checkContinue', (request, response) => {
    // Before the turn of a pipelined request, Node would put it behind the head of the answer, as part of the body.
    if (response.socket) response.writeContinue()
    answer(request, response)
  })
  server.on('checkExpectation', (_, response) => {
    note(response)
    const { body } = toResponse(new AppError('bad_request', 'Nothing but 100-continue can be expected here.'))
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response
      .writeHead(417, { 'content-type': 'application/json', 'content-length': body.length, connection: 'close' })
      .end(body)
  })
  server.on('clientError', refuse)
  server.listen({ host: address.host, port: address.port, backlog: BACKLOG })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const what = taken ? 'something else listens there; stop it or choose another --port' : (cause as Error).message
    throw new Error(`Cannot listen on ${address.host}:${address.port}: ${what}.`, { cause })
  }
  const { port } = server.address() as AddressInfo
  const host = address.host.includes(':') ? `[${address.host}]` : address.host

  return {
    url: `http://${host}:${port}`,
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}
