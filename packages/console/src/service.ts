import { type Client, createClient } from '@claude-proxy/client'
import { signal } from '@preact/signals'

const KEY = 'token'

/** The service has asked for a token, or did not like the one that it got. */
export const isLocked = signal(false)
/** Whether there was one that it did not like. */
export const isRefused = signal(false)

/** Keeps the token as long as this tab, or until it is forgotten. */
export function keepToken(token: string, isForGood: boolean): void {
  const [to, from] = isForGood ? [localStorage, sessionStorage] : [sessionStorage, localStorage]
  from.removeItem(KEY)
  to.setItem(KEY, token)
  isLocked.value = false
}

/** The one way to the service. */
export const client: Client = createClient({
  // Beside the page, which may lie below a path of somebody's proxy.
  baseUrl: new URL('.', document.baseURI).href,
  token: tokenNow,
  async fetch(...asked) {
    const token = tokenNow()
    const response = await fetch(...asked)
    // What was asked with another one is no reason to forget this one.
    if (response.status === 401 && token === tokenNow()) {
      isRefused.value = token !== undefined
      isLocked.value = true
    }
    return response
  },
})

function tokenNow(): string | undefined {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined
}

/** What went wrong, for a person. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
