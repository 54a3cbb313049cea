import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { AppError } from '@claude-proxy/protocol/errors'
import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { toLine } from '@claude-proxy/protocol/json'
import { withoutElsewhere } from '../core/access/within.ts'
import type { Log } from '../core/ports/outside.ts'
import { type Caller, expectScope } from './caller.ts'
import { createDoors } from './doors.ts'
import { toResponse, withoutAlarmingWords } from './errors.ts'
import type { Forwarding } from './forwarded.ts'
import { guard, type GuardRules, isOwnOrigin } from './guard.ts'
import type { createRecord } from './record.ts'
import type { createRevocation } from './revoked.ts'
import type { Routes } from './routes.ts'
import { passOver } from './read.ts'
import { pathOf } from './target.ts'

export interface AppOptions {
  /** The routes for somebody who may see only these folders, or all. */
  readonly routesWithin: (roots: readonly string[] | undefined) => Routes
  /** Tells who sends a request; throws when they may not come in. */
  readonly callerOf: (request: IncomingMessage) => Promise<Caller>
  /** Notes what was done at a door, and by whom. */
  readonly recordOf: ReturnType<typeof createRecord>
  readonly revocation: ReturnType<typeof createRevocation>
  readonly rules: GuardRules
  readonly forwarding: Forwarding
  readonly log: Log
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>
  readonly maxBodyBytes: number
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal
}

interface Door {
  readonly name: EndpointName
  readonly params: Readonly<Record<string, string>>
  readonly path: string
  /** Undefined at a door that is for everybody. */
  readonly caller: Caller | undefined
}

/** The service as a listener for node:http: guard, routes from the table of endpoints, and one shape for all errors. */
export function createListener(options: AppOptions): RequestListener {
  const { routesWithin, callerOf, recordOf, revocation, rules, forwarding, log, headers, stopping, maxBodyBytes } =
    options
  const find = createDoors()

  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    let path = ''
    try {
      declineUpgrade(request, response)
      path = pathOf(request)
      const host = forwarding.hostOf(request)
      allowOrigin(request, host, response, rules)
      guard(request.headers, host, rules)
    } catch (error) {
      fail(path, request, response, error)
      return
    }
    void enter(path, request, response)
  }

  /** Never rejects. */
  async function enter(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const isOpen = OPEN_PATHS.has(path) || request.method === 'OPTIONS'
      const caller = isOpen ? undefined : await callerOf(request)
      if (caller?.token !== undefined) revocation.watch(caller.token, response)
      dispatch(path, request, response, caller)
    } catch (error) {
      fail(path, request, response, error)
    }
  }

  function dispatch(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller | undefined,
  ): void {
    const doors = find(path)
    if (!doors) throw new AppError('not_found', `There is nothing at ${path}.`)
    const { byMethod, params } = doors
    const { method = '' } = request
    const name = byMethod.get(method === 'HEAD' ? 'GET' : method)
    if (name !== undefined) {
      const endpoint = ENDPOINTS[name]
      if (caller && 'scope' in endpoint) expectScope(caller, endpoint.scope)
      return void answer({ name, params, path, caller }, request, response)
    }
    const allowed = [...byMethod.keys()].join(', ')
    response.setHeader('allow', allowed)
    if (method !== 'OPTIONS') throw new AppError('method_not_allowed', `${path} takes ${allowed}, not ${method}.`)
    response.writeHead(204).end()
  }

  /** Never rejects. It is over when a stream has begun, and leaves nothing behind while that is open. */
  async function answer(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { name, params, path, caller } = door
    const signal = () => AbortSignal.any([goneSignal(response), stopping])
    try {
      const isWanted = 'body' in ENDPOINTS[name] || 'isFile' in ENDPOINTS[name]
      if (!isWanted) await passOver(request, maxBodyBytes)
      const routes = routesWithin(caller?.roots)
      const known = caller ?? NOBODY
      const record = recordOf(name, known)
      const value = await routes[name]({ request, response, params, signal, caller: known, record })
      if (value !== undefined) sendJson(response, response.statusCode, toLine(value))
    } catch (cause) {
      const wasAborted = cause instanceof Error && cause.name === 'AbortError'
      // The client has gone, and whatever looked something up for it has stopped.
      if (wasAborted && response.closed) return undefined
      const seen = caller?.roots ? withoutElsewhere(cause, caller.roots) : cause
      const error = wasAborted ? new AppError('shutting_down', 'The service is stopping.', {}, { cause }) : seen
      if (!response.headersSent) return fail(path, request, response, error)
      // Refused meanwhile: what came in the end was not a whole request.
      if (response.writableEnded) return
      // Half a body is out: only a broken connection tells the reader that the rest is missing.
      if (!response.closed) log.error('a response broke off', { path, error })
      response.destroy()
    }
  }

  function fail(path: string, request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { status, body } = toResponse(error)
    if (status >= 500) log.error('a request failed', { method: request.method, path, error })
    // What is left of an unread body must not be taken for the next request.
    if (request.method !== 'GET' && !request.complete) response.setHeader('connection', 'close')
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
  response.setHeader('connection', 'close')
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
    'authorization, content-type, last-event-id, idempotency-key, range, if-none-match, if-range',
  )
  response.setHeader(
    'access-control-expose-headers',
    'x-proxy-version, x-proxy-started-at, x-proxy-last-event-id, x-proxy-reset, x-proxy-run-id, x-proxy-outcome, x-proxy-lines, etag, content-range, content-disposition',
  )
  response.setHeader('access-control-allow-methods', 'GET, POST, PATCH, DELETE, OPTIONS')
  response.setHeader('vary', 'origin')
}
