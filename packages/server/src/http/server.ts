import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Log } from '../core/ports/outside.ts'
import { type CertificateFiles, type FollowedCertificate, followCertificate, readCertificate } from './certificate.ts'
import { AppError } from '@claude-proxy/protocol/errors'
import { toResponse } from './errors.ts'
import { createLinger } from './linger.ts'
import { createRefusal } from './refuse.ts'
import { LightResponse } from './response.ts'
import { listenPrivately, makeWay } from './unix-socket.ts'

/** Where to listen: at an address, with TLS or without, or at a path that only our own user reaches. */
export type Place =
  | { readonly host: string; readonly port: number; readonly certificate?: CertificateFiles | undefined }
  | { readonly path: string }

export interface HttpServer {
  /** Where it answers, such as `http://127.0.0.1:8787`, or `unix:/run/claude-proxy.sock`. */
  readonly url: string
  /** Has new connections get the certificate that its files hold now. */
  reload(): void
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
  place: Place,
  headers: Readonly<Record<string, string>>,
  log: Log,
): Promise<HttpServer> {
  const linger = createLinger()
  const { mayAnswer, refuse } = createRefusal(headers, linger.leave)
  const answer: RequestListener = (request, response) => {
    if (mayAnswer(response)) listener(request, response)
    else ignore(request)
  }
  // Each would be kept until the answer before is through. The parser cannot be stopped while it is at work.
  const ignore = ({ socket }: IncomingMessage) => process.nextTick(linger.deafen, socket)
  await using opening = new AsyncDisposableStack()
  const { server, certificate } = createServerFor(place, answer, log)
  if (certificate) opening.use(certificate)
  server.on(certificate ? 'secureConnection' : 'connection', linger.adopt)
  server.on('checkContinue', (request, response) => {
    // Before the turn of a pipelined request, Node would put it behind the head of the answer, as part of the body.
    if (response.socket) response.writeContinue()
    answer(request, response)
  })
  server.on('checkExpectation', (request, response) => {
    if (mayAnswer(response)) declineExpectation(response, headers)
    else ignore(request)
  })
  // Only who makes streams of other kinds gets another kind here.
  server.on('clientError', (error, socket) => refuse(error, socket as Socket))
  try {
    if ('path' in place) {
      await makeWay(place.path)
      listenPrivately(server, place.path, BACKLOG)
    } else server.listen({ host: place.host, port: place.port, backlog: BACKLOG })
    await once(server, 'listening')
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const what = isTaken ? 'something else listens there; stop it or choose another --port' : (cause as Error).message
    const where = 'path' in place ? place.path : `${place.host}:${place.port}`
    throw new Error(`Cannot listen on ${where}: ${what.replace(/\.$/, '')}.`, { cause })
  }
  const built = opening.move()

  return {
    url: urlOf(place, server.address()),
    reload: () => certificate?.read(),
    async close(graceMs) {
      await built.disposeAsync()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      linger.stop()
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

function declineExpectation(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const { body } = toResponse(new AppError('bad_request', 'Nothing but 100-continue can be expected here.'))
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.shouldKeepAlive = false
  response.writeHead(417, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

interface Opened {
  readonly server: Server
  readonly certificate?: FollowedCertificate
}

function createServerFor(place: Place, answer: RequestListener, log: Log): Opened {
  // A request without Host gets its answer from us, in our shape.
  const options = { noDelay: true, requireHostHeader: false, ServerResponse: LightResponse }
  const files = 'path' in place ? undefined : place.certificate
  if (!files) return { server: createServer(options, answer) }
  const https = process.getBuiltinModule('node:https')
  const secure = { ...options, ...readCertificate(files), minVersion: 'TLSv1.2' as const }
  const server = https.createServer(secure, answer)
  return { server, certificate: followCertificate(server, files, log) }
}

function urlOf(place: Place, bound: AddressInfo | string | null): string {
  if ('path' in place) return `unix:${place.path}`
  if (bound === null || typeof bound === 'string') throw new Error('it listens, and has no port')
  const host = place.host.includes(':') ? `[${place.host}]` : place.host
  return `${place.certificate ? 'https' : 'http'}://${host}:${bound.port}`
}
