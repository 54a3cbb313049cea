import { ClaudeProxyError, errorOf } from './errors.ts'
import { backOff, linkTo, type OnWake, sleep } from './waiting.ts'

/** Where the service is, and how it is spoken to. */
export interface Service {
  readonly baseUrl: string
  readonly tokenNow: () => string | undefined
  readonly userAgent: string | undefined
  readonly fetch: typeof fetch
  readonly onWake: OnWake
  readonly isWorthRepeating: (error: ClaudeProxyError) => boolean
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** How long the whole call may take, its repetitions included: 30 seconds, if nothing is said; 0 for ever. */
  readonly timeoutMs?: number | undefined
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query?: object | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a file as it is. */
  readonly body?: unknown
}

const TIMEOUT_MS = 30_000
const ATTEMPTS = 5
const FIRST_WAIT_MS = 250

/**
 * Asks until it is answered, if it may be asked twice; `read` belongs to the attempt. Fails with a `ClaudeProxyError`,
 * or with the reason of `signal`.
 */
export async function ask<T>(
  service: Service,
  asked: Asked & { readonly isRepeatable: boolean },
  read: (response: Response) => Promise<T>,
  { signal, timeoutMs = TIMEOUT_MS }: CallOptions = {},
): Promise<T> {
  const link = linkTo(signal)
  const late = new ClaudeProxyError('timeout', `There was no answer within ${timeoutMs} ms.`)
  const timer = timeoutMs > 0 ? setTimeout(() => link.abort(late), timeoutMs) : undefined
  try {
    for (let failures = 1; ; failures++) {
      try {
        return await read(await request(service, asked, link.signal))
      } catch (error) {
        const reason = asError(error, link.signal)
        if (
          !asked.isRepeatable ||
          failures === ATTEMPTS ||
          !isWorthRepeating(reason) ||
          !service.isWorthRepeating(reason)
        )
          throw reason
        await sleep(reason.retryAfterMs ?? backOff(failures, FIRST_WAIT_MS), link.signal, service.onWake)
      }
    }
  } finally {
    clearTimeout(timer)
    link.release()
  }
}

/** One request; rejects where the answer is an error. */
export async function request(
  { baseUrl, tokenNow, userAgent, fetch }: Service,
  { method, path, query = {}, headers = {}, body }: Asked,
  signal: AbortSignal,
): Promise<Response> {
  const isJson = body !== undefined && !isFile(body)
  const token = tokenNow()
  const response = await fetch(`${baseUrl}${path}${queryText(query)}`, {
    method,
    headers: {
      ...(isJson && { 'content-type': 'application/json' }),
      // a text by itself would say text/plain, which the service takes from nobody
      ...(typeof body === 'string' && { 'content-type': 'application/octet-stream' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(userAgent !== undefined && { 'user-agent': userAgent }),
      ...headers,
    },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body) : (body as string) }),
    // what was cached may be another time's
    cache: 'no-store',
    signal,
  })
  if (!response.ok) throw await errorOf(response)
  return response
}

/** What was thrown as what a caller is to get; who has aborted gets the own reason. */
export function asError(error: unknown, signal: AbortSignal): ClaudeProxyError {
  if (signal.aborted) throw signal.reason
  if (error instanceof ClaudeProxyError) return error
  if (error instanceof SyntaxError)
    return new ClaudeProxyError('unexpected', 'What came is not what the service answers.', { cause: error })
  return new ClaudeProxyError('unreachable', 'The service cannot be reached, or the connection broke.', {
    cause: error,
  })
}

function isWorthRepeating({ status, isPassing }: ClaudeProxyError): boolean {
  // What is ours to mend is not mended by asking again.
  return isPassing && status !== 500
}

function isFile(body: unknown): boolean {
  return typeof body === 'string' || body instanceof Uint8Array || (typeof Blob === 'function' && body instanceof Blob)
}

function queryText(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
  const pairs = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}
