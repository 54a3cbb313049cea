import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { AppError } from '@claude-proxy/protocol/errors'
import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { toLine } from '@claude-proxy/protocol/json'
import type { RunId } from '@claude-proxy/protocol/ids'
import { withoutElsewhere } from '../core/access/within.ts'
import type { Metrics } from '../core/ports/metrics.ts'
import type { Clock, Log } from '../core/ports/outside.ts'
import { type Caller, expectScope } from './caller.ts'
import type { ConsolePage } from './console.ts'
import { createDoors } from './doors.ts'
import { toResponse, withoutAlarmingWords } from './errors.ts'
import type { Forwarding } from './forwarded.ts'
import { guard, type GuardRules, isOwnOrigin } from './guard.ts'
import type { createRecord } from './record.ts'
import type { createRevocation } from './revoked.ts'
import type { Routes } from './routes.ts'
import { passOver } from './read.ts'
import { REQUEST_ID, requestId } from './request-id.ts'
import { pathOf } from './target.ts'

export interface AppOptions {
  /** The routes for somebody who may see only these folders, or all. */
  readonly routesWithin: (roots: readonly string[] | undefined) => Routes
  /** Tells who sends a request; throws when they may not come in. */
  readonly callerOf: (request: IncomingMessage) => Promise<Caller>
  /** Notes what was done at a door, and by whom. */
  readonly console: ConsolePage
  readonly recordOf: ReturnType<typeof createRecord>['of']
  readonly revocation: ReturnType<typeof createRevocation>
  readonly rules: GuardRules
  readonly forwarding: Forwarding
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Metrics
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>
  readonly maxBodyBytes: number
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal
}

interface Door {
  readonly name: EndpointName
  readonly params: Readonly<Record<string, string>>
  /** Undefined at a door that is for everybody. */
  readonly caller: Caller | undefined
}

/** What is known of a request, for the log and for who follows what comes of it. */
export interface About {
  /** What the log calls it. */
  readonly id: string
  /** When it came. */
  readonly at: number
  /** Empty as long as the address is not understood. */
  path: string
  /** Its `traceparent` (W3C Trace Context), as it came. */
  readonly parent: string | undefined
  /** The run that it began, or that it watches. */
  run?: RunId
}

/** The service as a listener for node:http: guard, routes from the table of endpoints, and one shape for all errors. */
export function createListener(options: AppOptions): RequestListener {
  const { routesWithin, console, callerOf, recordOf, revocation, rules, forwarding } = options
  const { log, clock, metrics, headers, stopping, maxBodyBytes } = options
  const find = createDoors()

  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const about: About = {
      id: requestId(request.headers),
      at: clock.now(),
      path: '',
      parent: parentOf(request.headers),
    }
    response.setHeader(REQUEST_ID, about.id)
    try {
      declineUpgrade(request, response)
      about.path = pathOf(request)
      const host = forwarding.hostOf(request)
      allowOrigin(request, host, response, rules)
      guard(request.headers, host, rules)
    } catch (error) {
      fail(about, request, response, error)
      noteAccess(about, request, response)
      return
    }
    void enter(about, request, response)
  }

  /** Never rejects. */
  async function enter(about: About, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (console.has(about.path)) return await show(about, request, response)
      const isOpen = OPEN_PATHS.has(about.path) || request.method === 'OPTIONS'
      const caller = isOpen ? undefined : await callerOf(request)
      // Refused meanwhile: what came in the end was not a whole request.
      if (response.headersSent) return
      if (caller?.token !== undefined) revocation.watch(caller.token, response)
      dispatch(about, request, response, caller)
    } catch (error) {
      if (!response.headersSent) fail(about, request, response, error)
      noteAccess(about, request, response)
    }
  }

  function dispatch(
    about: About,
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller | undefined,
  ): void {
    const { path } = about
    const doors = find(path)
    if (!doors) throw new AppError('not_found', `There is nothing at ${path}.`)
    const { byMethod, params } = doors
    const { method = '' } = request
    const name = byMethod.get(method === 'HEAD' ? 'GET' : method)
    if (name !== undefined) {
      const endpoint = ENDPOINTS[name]
      if (caller && 'scope' in endpoint) expectScope(caller, endpoint.scope)
      return void answer({ name, params, caller }, about, request, response)
    }
    const allowed = [...byMethod.keys()].join(', ')
    response.setHeader('allow', allowed)
    if (method !== 'OPTIONS') throw new AppError('method_not_allowed', `${path} takes ${allowed}, not ${method}.`)
    response.writeHead(204).end()
    noteAccess(about, request, response)
  }

  /** Never rejects. */
  async function show(about: About, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await passOver(request, maxBodyBytes)
      await console.answer(about.path, request, response)
    } catch (error) {
      if (!response.headersSent) fail(about, request, response, error)
      else if (!response.writableEnded) response.destroy()
    } finally {
      noteAccess(about, request, response)
    }
  }

  /** Never rejects. It is over when a stream has begun, and leaves nothing behind while that is open. */
  async function answer(
    { name, params, caller }: Door,
    about: About,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const signal = () => AbortSignal.any([goneSignal(response), stopping])
    try {
      const isWanted = 'body' in ENDPOINTS[name] || 'isFile' in ENDPOINTS[name]
      if (!isWanted) await passOver(request, maxBodyBytes)
      const routes = routesWithin(caller?.roots)
      const known = caller ?? NOBODY
      const record = recordOf(name, known)
      const value = await routes[name]({ request, response, params, signal, caller: known, record, about })
      if (value !== undefined) sendJson(response, response.statusCode, toLine(value))
    } catch (cause) {
      const wasAborted = cause instanceof Error && cause.name === 'AbortError'
      // The client has gone, and whatever looked something up for it has stopped.
      if (wasAborted && response.closed) return undefined
      const seen = caller?.roots ? withoutElsewhere(cause, caller.roots) : cause
      const error = wasAborted ? new AppError('shutting_down', 'The service is stopping.', {}, { cause }) : seen
      if (!response.headersSent) return fail(about, request, response, error)
      // Refused meanwhile: what came in the end was not a whole request.
      if (response.writableEnded) return
      // Half a body is out: only a broken connection tells the reader that the rest is missing.
      const isOurs = !(error instanceof AppError) || error.status >= 500
      if (!response.closed && isOurs) log.error('a response broke off', { request: about.id, path: about.path, error })
      response.destroy()
    } finally {
      noteAccess(about, request, response)
    }
  }

  /** A line for each request, when it has its answer or its stream has begun. Not its query: people put secrets there. */
  function noteAccess({ id, at, path, run }: About, { method }: IncomingMessage, { statusCode }: ServerResponse): void {
    log.debug?.('answered', { request: id, method, path, status: statusCode, ms: clock.now() - at, run })
  }

  function fail({ id, path }: About, request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { status, code, body } = toResponse(error)
    metrics.requestFailed(code)
    // Whoever asks whether the service is ready asks every few seconds; the log has heard when it ceased to be.
    if (status >= 500 && code !== 'not_ready')
      log.error('a request failed', { request: id, method: request.method, path, error })
    // What is left of an unread body must not be taken for the next request.
    if (request.method !== 'GET' && !request.complete) response.shouldKeepAlive = false
    if (status === 401) response.setHeader('www-authenticate', 'Bearer')
    sendJson(response, status, path === ENDPOINTS.stream.path ? withoutAlarmingWords(body) : body)
  }
}

/** Whoever stands at a door that is for everybody. */
const NOBODY: Caller = {
  who: 'nobody',
  token: undefined,
  scopes: new Set(),
  roots: undefined,
  agent: undefined,
  from: undefined,
}

/** Sent twice, nobody knows which. */
function parentOf({ traceparent }: IncomingMessage['headers']): string | undefined {
  return typeof traceparent === 'string' ? traceparent : undefined
}

/** What is for everybody, token or not. */
const OPEN_PATHS = new Set<string>(
  Object.values(ENDPOINTS).flatMap((endpoint) => ('isOpen' in endpoint ? [endpoint.path] : [])),
)

/**
 * A request that wants another protocol is answered in this one, and is the last on its connection: Node loses what
 * comes behind it in the same packet, and does not tell of chunks that are none. Either would be waited for in vain.
 */
function declineUpgrade({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.upgrade === undefined) return
  response.shouldKeepAlive = false
  if (headers['transfer-encoding'] === undefined) return
  throw new AppError('bad_request', 'A request that wants another protocol cannot have a body in chunks.')
}

/** Aborts when the response closes: the client has gone, or has got everything. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.closed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}

/** Answers with JSON that carries its length: clients read it without chunks. */
function sendJson(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text)
}

/** CORS, for pages that the operator has allowed. */
function allowOrigin(
  { headers }: IncomingMessage,
  host: string | undefined,
  response: ServerResponse,
  rules: GuardRules,
): void {
  const { origin } = headers
  if (origin === undefined || isOwnOrigin(origin, host) || !rules.allowedOrigins.includes(origin)) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader(
    'access-control-allow-headers',
    'authorization, content-type, last-event-id, idempotency-key, range, if-none-match, if-range, x-request-id, traceparent',
  )
  response.setHeader(
    'access-control-expose-headers',
    'x-request-id, x-proxy-version, x-proxy-started-at, x-proxy-last-event-id, x-proxy-reset, x-proxy-run-id, x-proxy-outcome, x-proxy-lines, etag, content-range, content-disposition',
  )
  response.setHeader('access-control-allow-methods', 'GET, POST, PATCH, DELETE, OPTIONS')
  response.setHeader('vary', 'origin')
}
