import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '@claude-proxy/protocol/errors'
import { toResponse } from './errors.ts'
import type { Leave } from './linger.ts'

type Fields = Readonly<Record<string, string | number>>

const { STATUS_CODES } = process.getBuiltinModule('node:http')

/**
 * Answers what is not HTTP in our shape all the same, if it can still be answered. `headers` are those of every
 * response. What was asked before on the same connection gets its own answer first: written at once, a refusal would
 * be taken for that answer, or stand in the middle of a stream.
 */
export function createRefusal(headers: Fields, leave: Leave) {
  const latest = new WeakMap<Socket, ServerResponse>()

  return {
    /**
     * Has to be told of every response before anything else. False: an answer before it was the last on its connection,
     * and nobody may hear of this request (RFC 9112, section 9.6).
     */
    mayAnswer: (response: ServerResponse): boolean => {
      const { socket } = response.req
      if (latest.get(socket)?.shouldKeepAlive === false) return false
      latest.set(socket, response)
      return true
    },

    refuse: (error: NodeJS.ErrnoException, socket: Socket): void => {
      if (error.code === 'ECONNRESET') return void socket.destroy()
      if (!socket.writable) return leave(socket)
      const before = latest.get(socket)
      if (!before || (before.req.complete && before.writableFinished)) writeRefusal(error, socket)
      // The rest of a request that has its answer is broken.
      else if (before.writableFinished) leave(socket)
      else if (before.req.complete || before.writableEnded) leaveAfter(before, socket)
      else if (!before.headersSent) answerRefusal(error, before)
      else socket.destroy()
    },
  }

  function writeRefusal(error: NodeJS.ErrnoException, socket: Socket): void {
    const { status, fields, body } = refusalOf(error)
    const lines = Object.entries({ ...headers, ...fields, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
    leave(socket)
  }

  /** Nothing behind it is read any more, however often the parser says so. */
  function leaveAfter(response: ServerResponse, socket: Socket): void {
    if (!response.shouldKeepAlive) return
    response.shouldKeepAlive = false
    // Its head may be out, and say nothing of it.
    response.once('finish', () => leave(socket))
  }
}

/** For what has become a request but will never be a whole one. */
function answerRefusal(error: NodeJS.ErrnoException, response: ServerResponse): void {
  const { status, fields, body } = refusalOf(error)
  response.shouldKeepAlive = false
  response.writeHead(status, fields).end(body)
}

function refusalOf(error: NodeJS.ErrnoException): { status: number; fields: Record<string, string>; body: string } {
  const [status, sentence] = REFUSALS[error.code ?? ''] ?? [400, 'The request is not valid HTTP.']
  const { body } = toResponse(new AppError('bad_request', sentence))
  const fields = { 'content-type': 'application/json', 'content-length': String(body.length) }
  return { status, fields, body }
}

const REFUSALS: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
}
