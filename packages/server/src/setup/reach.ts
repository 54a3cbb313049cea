import { X509Certificate } from 'node:crypto'
import { addAbortListener } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { connect as connectSecurely } from 'node:tls'
import { type Config, NO_HOST } from '../config.ts'

/** How this machine comes to the service that has these options: by its port, with TLS or without, or by its socket. */
export interface Reach {
  /** For people: `http://127.0.0.1:8787`, or `unix:/run/claude-proxy.sock`. */
  readonly place: string
  /** Asks for what stands behind the place, such as `/healthz`. Rejects when the service does not answer there. */
  fetch(path: string, asking?: Asking): Promise<Response>
}

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

type Doors = Pick<Config, 'host' | 'port' | 'socket' | 'tlsCert'>

/** The one place that knows this. The port is preferred: whoever may not open the socket may still call there. */
export function reachOf({ host, port, socket, tlsCert }: Doors): Reach {
  const path = resolve(socket)
  if (host === NO_HOST || (port === 0 && socket !== '')) return over(`unix:${path}`, async () => connect(path))
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}`
  if (tlsCert === '') return over(`http://${place}`, async () => connect(port, address))
  return over(`https://${place}`, (signal) => connectTo(address, port, tlsCert, signal))
}

function over(place: string, open: (signal?: AbortSignal) => Promise<Socket>): Reach {
  return { place, fetch: async (path, asking) => ask(await open(asking?.signal), path, asking) }
}

/**
 * A connection to who holds the key of the certificate in `file`. No authority is asked, and no name or date counts: a
 * certificate of one's own will do, and the file says better than they who this is.
 */
function connectTo(host: string, port: number, file: string, signal?: AbortSignal): Promise<Socket> {
  const { promise, resolve: done, reject } = Promise.withResolvers<Socket>()
  const ours = new X509Certificate(readFileSync(file))
  const socket = connectSecurely({ host, port, rejectUnauthorized: false }, () => {
    if (socket.getPeerX509Certificate()?.fingerprint256 === ours.fingerprint256) return done(socket)
    socket.destroy(new Error(`Who answers at ${host}:${port} has another certificate than ${file}.`))
  })
  socket.once('error', reject)
  const abort = signal && addAbortListener(signal, () => socket.destroy(new Error('This took too long.')))
  return promise.finally(() => abort?.[Symbol.dispose]())
}

/** One request on a connection of its own, in the shape that the global fetch gives answers. */
function ask(socket: Socket, path: string, asking: Asking = {}): Promise<Response> {
  const { method = 'GET', headers = {}, body, signal } = asking
  const { promise, resolve: done, reject } = Promise.withResolvers<Response>()
  // Imported, it would have all its exports asked for, and with them Node's WebSocket and fetch.
  const { request } = process.getBuiltinModule('node:http')
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
  const sent = request({
    // The name that is allowed everywhere.
    headers: { Host: 'localhost', ...headers, ...length, Connection: 'close' },
    createConnection: () => socket,
    method,
    path,
    ...(signal && { signal }),
  })
  sent.once('response', (message) => done(responseOf(message)))
  sent.once('error', reject)
  sent.end(body)
  return promise
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode: status = 500, rawHeaders: raw } = message
  const headers = new Headers()
  for (let at = 0; at < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '')
  const hasBody = ![204, 205, 304].includes(status)
  return new Response(hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array>) : null, { status, headers })
}
