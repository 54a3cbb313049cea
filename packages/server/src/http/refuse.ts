import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '@claude-proxy/protocol/errors'
import { toResponse } from './errors.ts'

const LINGER_MS = 1000

type Fields = Readonly<Record<string, string | number>>

const { STATUS_CODES } = process.getBuiltinModule('node:http')

/**
 * Answers what is not HTTP in our shape all the same, if it can still be answered. `headers` are those of every
 * response. What was asked before on the same connection gets its own answer first: written at once, a refusal would
 * be taken for that answer, or stand in the middle of a stream.
 */
export function createRefusal(headers: Fields) {
  const latest = new WeakMap<Duplex, ServerResponse>()
  const leaving = new WeakSet<Duplex>()

  return {
    /** Has to be told of every response before anything else. */
    note: (response: ServerResponse): void => {
      latest.set(response.req.socket, response)
    },

    refuse: (error: NodeJS.ErrnoException, socket: Duplex): void => {
      if (error.code === 'ECONNRESET') return void socket.destroy()
      if (!socket.writable) return linger(socket)
      const before = latest.get(socket)
      if (!before || (before.req.complete && before.writableFinished)) writeRefusal(error, socket, headers)
      else if (before.req.complete) closeAfter(before, socket)
      else if (!before.headersSent) answerRefusal(error, before)
      // The rest of a request that has its answer is broken.
      else if (before.writableFinished) socket.end()
      else socket.destroy()
    },
  }

  /**
   * Ends the connection when all is sent. What the client still sends is read for a moment, though nobody wants it: to
   * close with something unread is to reset the connection, and that takes from the client what it has not read yet.
   */
  function linger(socket: Duplex): void {
    if (leaving.has(socket)) return
    leaving.add(socket)
    socket.end(() => {
      const end = setTimeout(() => socket.destroy(), LINGER_MS).unref()
      socket.once('close', () => clearTimeout(end))
    })
  }

  /** Nothing behind it is read any more, however often the parser says so. */
  function closeAfter(response: ServerResponse, socket: Duplex): void {
    if (!response.shouldKeepAlive) return
    response.shouldKeepAlive = false
    // What Node calls after the last answer of a connection.
    Object.assign(socket, { destroySoon: () => linger(socket) })
    response.once('finish', () => linger(socket))
  }
}

/** For what has become a request but will never be a whole one. */
function answerRefusal(error: NodeJS.ErrnoException, response: ServerResponse): void {
  const { status, fields, body } = refusalOf(error)
  response.writeHead(status, fields).end(body)
}

function writeRefusal(error: NodeJS.ErrnoException, socket: Duplex, headers: Fields): void {
  const { status, fields, body } = refusalOf(error)
  const lines = Object.entries({ ...headers, ...fields }).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}

function refusalOf(error: NodeJS.ErrnoException): { status: number; fields: Record<string, string>; body: string } {
  const [status, sentence] = REFUSALS[error.code ?? ''] ?? [400, 'The request is not valid HTTP.']
  const { body } = toResponse(new AppError('bad_request', sentence))
  const fields = { 'content-type': 'application/json', 'content-length': String(body.length), connection: 'close' }
  return { status, fields, body }
}

const REFUSALS: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
}
