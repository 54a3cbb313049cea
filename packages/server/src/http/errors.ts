import { AppError, type ErrorCode } from '@claude-proxy/protocol/errors'
import { toLine } from '@claude-proxy/protocol/json'

export interface ErrorResponse {
  readonly status: number
  readonly code: ErrorCode
  /** JSON in ASCII. */
  readonly body: string
}

/** What a client hears of a failure. Whatever it was not meant to see becomes `internal`. */
export function toResponse(error: unknown): ErrorResponse {
  const known =
    error instanceof AppError ? error : new AppError('internal', 'The service failed at this; its log knows more.')
  return { status: known.status, code: known.code, body: toLine(known.body) }
}

/**
 * Words that the app takes for a broken line: it then starts its recovery instead of showing the error. They can come
 * in with a path (`/root/network-tool`), so they are spelled with an escape that every JSON parser undoes.
 */
const ALARMING = /connection|network|timeout|broken pipe|socket|disconnected|lost|reset|abort|ebadf/gi

/** `body` with the same meaning and without the words that mislead the app. */
export function withoutAlarmingWords(body: string): string {
  // The last letter: the first ones may be the end of an escape (`\u00fconnection`), the last never is.
  return body.replace(
    ALARMING,
    (word) =>
      `${word.slice(0, -1)}\\u${word
        .charCodeAt(word.length - 1)
        .toString(16)
        .padStart(4, '0')}`,
  )
}
