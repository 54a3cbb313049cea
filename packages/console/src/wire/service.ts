import type { Answer, AnswerName } from '@claude-proxy/protocol/endpoints'
import { signal } from '@preact/signals'

/** What the service said no to, in its own words; `status` 0 where nothing answered. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const KEY = 'token'

/** The service has asked for a token, or did not like the one that it got. */
export const isLocked = signal(false)

/** Keeps the token as long as this tab, or until it is forgotten. */
export function keepToken(token: string, isForGood: boolean): void {
  const [to, from] = isForGood ? [localStorage, sessionStorage] : [sessionStorage, localStorage]
  from.removeItem(KEY)
  to.setItem(KEY, token)
  isLocked.value = false
}

interface Asked {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: object
  /** A file as it is, instead of JSON. */
  readonly file?: Blob
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Asks the service for the JSON of this name. Throws a `Refusal`. */
export async function ask<A extends AnswerName>(path: string, asked: Asked = {}): Promise<Answer<A>> {
  const response = await request(path, asked)
  return (await response.json()) as Answer<A>
}

/** The response as it is, if it is a good one. */
export async function request(
  path: string,
  { method = 'GET', query = {}, body, file, headers, signal: wanted }: Asked,
) {
  // Relative to the page, which may lie below a path of somebody's proxy.
  const url = new URL(path, document.baseURI)
  // Not by URLSearchParams, which writes a blank as a plus (PROTOCOL.md 1.4).
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  url.search = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
  const token = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY)
  const content = file ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(file !== undefined && { 'content-type': 'application/octet-stream' }),
      ...headers,
    },
    ...(content !== undefined && { body: content }),
    ...(wanted !== undefined && { signal: wanted }),
  }).catch((error: unknown) => {
    if (wanted?.aborted) throw error
    throw new Refusal(0, 'unreachable', 'The service does not answer.')
  })
  if (response.ok) return response
  const refusal = await refusalOf(response)
  if (response.status === 401) isLocked.value = true
  throw refusal
}

async function refusalOf(response: Response): Promise<Refusal> {
  const said: unknown = await response.json().catch(() => undefined)
  const { error, message } = Object(said) as { error?: unknown; message?: unknown }
  if (typeof error === 'string' && typeof message === 'string') return new Refusal(response.status, error, message)
  return new Refusal(response.status, 'unexpected', `Something between here and the service said ${response.status}.`)
}

/** What went wrong, for a person. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
