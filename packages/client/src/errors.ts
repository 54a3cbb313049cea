import type { ErrorCode } from '@claude-proxy/protocol/errors'

/**
 * What a call came to that was not answered as asked. Of the service's own refusals `code` and `message` are those of
 * PROTOCOL.md section 9, and `details` the fields that the code promises.
 */
export class ClaudeProxyError extends Error {
  /** Of HTTP; 0 where nothing was answered. */
  readonly status: number
  readonly code: ErrorCode | OwnCode
  readonly details: Readonly<Record<string, unknown>>
  /** How long the service asks to wait. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode | OwnCode, message: string, more: More = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'ClaudeProxyError'
    this.code = code
    this.status = more.status ?? 0
    this.details = more.details ?? {}
    this.retryAfterMs = more.retryAfterMs
  }

  /** Whether it may be over by itself: what is between here and there failed, or the service is busy or starting. */
  get isPassing(): boolean {
    const { status, code } = this
    if (status < 400) return code === 'unreachable' || code === 'silent' || code === 'unexpected'
    return status === 429 || status === 408 || (status >= 500 && status !== 501)
  }
}

/**
 * Codes that the client adds: nothing was answered, not in time, or for too long; something else than the service
 * answered; a run or its prompt came to nothing.
 */
export type OwnCode = 'unreachable' | 'timeout' | 'silent' | 'unexpected' | 'run_failed' | 'prompt_cancelled'

interface More {
  readonly status?: number
  readonly details?: Readonly<Record<string, unknown>>
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** The error that a response tells of, also one that somebody in between has written. */
export async function errorOf(response: Response): Promise<ClaudeProxyError> {
  const { status, headers } = response
  const text = await response.text().catch(() => '')
  const retryAfterMs = readRetryAfter(headers.get('retry-after'))
  const { error, message, ...details } = readObject(text)
  if (typeof error === 'string' && typeof message === 'string')
    return new ClaudeProxyError(error as ErrorCode, message, { status, details, retryAfterMs })
  return new ClaudeProxyError('unexpected', `Not the service answered, but somebody with ${status}.`, {
    status,
    details: { body: text.slice(0, 1000) },
    retryAfterMs,
  })
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
function readRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

function readObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
