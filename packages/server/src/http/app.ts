import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { AppError } from '@claude-proxy/protocol/errors'
import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { toLine } from '@claude-proxy/protocol/json'
import { type Context, Hono } from 'hono'
import type { Log } from '../core/ports.ts'
import { toResponse, withoutAlarmingWords } from './errors.ts'
import { guard, type GuardRules, isOwnOrigin } from './guard.ts'
import type { createRoutes } from './routes.ts'

export interface AppOptions {
  readonly routes: ReturnType<typeof createRoutes>
  readonly rules: GuardRules
  readonly log: Log
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal
}

type Env = { Bindings: HttpBindings }

/** The service as a listener for node:http: guard, routes from the table of endpoints, and one shape for all errors. */
export function createListener({ routes, rules, log, headers, stopping }: AppOptions) {
  const app = new Hono<Env>()

  app.use(async (c, next) => {
    const { incoming, outgoing } = c.env
    const isOpen = c.req.path === ENDPOINTS.health.path
    allowOrigin(incoming, outgoing, rules)
    guard(incoming.headers, isOpen || incoming.method === 'OPTIONS', rules)
    return next()
  })

  for (const name of Object.keys(ENDPOINTS) as EndpointName[]) {
    const { method, path } = ENDPOINTS[name]
    app.on(method, path, (c) => answer(c, name))
    app.options(path, (c) => c.body(null, 204, { allow: method }))
    app.all(path, (c) => {
      c.header('allow', method)
      throw new AppError('method_not_allowed', `${path} takes ${method}, not ${c.req.method}.`)
    })
  }
  app.notFound((c) => fail(c, new AppError('not_found', `There is nothing at ${c.req.path}.`)))
  app.onError((error, c) => fail(c, error))

  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      const { status, body } = toResponse(
        new AppError('bad_request', 'The request is not understood.', {}, { cause: error }),
      )
      return new Response(body, { status, headers: { 'content-type': 'application/json', connection: 'close' } })
    },
  })
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value)
    void listener(incoming, outgoing)
  }

  async function answer(c: Context<Env>, name: EndpointName): Promise<Response> {
    const { incoming, outgoing } = c.env
    const exchange = {
      request: incoming,
      response: outgoing,
      params: c.req.param(),
      signal: () => AbortSignal.any([goneSignal(outgoing), stopping]),
    }
    try {
      const value = await routes[name](exchange)
      return value === undefined ? RESPONSE_ALREADY_SENT : json(200, toLine(value))
    } catch (error) {
      if (!outgoing.headersSent) throw error
      // Half a body is out: only a broken connection tells the reader that the rest is missing.
      if (!outgoing.closed) log.error('a response broke off', { path: c.req.path, error })
      outgoing.destroy()
      return RESPONSE_ALREADY_SENT
    }
  }

  function fail(c: Context<Env>, error: unknown): Response {
    const { status, body } = toResponse(error)
    if (status >= 500) log.error('a request failed', { method: c.req.method, path: c.req.path, error })
    // What is left of an unread body must not be taken for the next request.
    if (c.req.method !== 'GET' && !c.env.incoming.complete) c.header('connection', 'close')
    const isStream = c.req.path === ENDPOINTS.stream.path
    const response = json(status, isStream ? withoutAlarmingWords(body) : body)
    for (const [name, value] of c.res.headers)
      if (name === 'allow' || name === 'connection') response.headers.set(name, value)
    if (status === 401) response.headers.set('www-authenticate', 'Bearer')
    return response
  }
}

/** Aborts when the response closes: the client has gone, or has got everything. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  return gone.signal
}

/** A JSON response that carries its length: clients read it without chunks. */
function json(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) },
  })
}

/** CORS, for pages that the operator has allowed. */
function allowOrigin({ headers }: IncomingMessage, outgoing: ServerResponse, rules: GuardRules): void {
  const { origin } = headers
  if (origin === undefined || isOwnOrigin(origin, headers.host) || !rules.allowedOrigins.includes(origin)) return
  outgoing.setHeader('access-control-allow-origin', origin)
  outgoing.setHeader('access-control-allow-headers', 'authorization, content-type, last-event-id')
  outgoing.setHeader(
    'access-control-expose-headers',
    'x-proxy-version, x-proxy-started-at, x-proxy-last-event-id, x-proxy-reset',
  )
  outgoing.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS')
  outgoing.setHeader('vary', 'origin')
}
