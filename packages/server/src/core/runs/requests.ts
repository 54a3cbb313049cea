import type { Clock, Log } from '../ports/outside.ts'
import type { Store } from '../ports/store.ts'

/** How long a key is kept: a client that comes back after a day finds what its request came to. */
const KEEP_MS = 48 * 3_600_000
const EVERY_MS = 24 * 3_600_000

/** A short name for what a request asks: the same for the same, another for anything else. */
export async function digestOf(asked: unknown): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', Buffer.from(JSON.stringify(asked)))
  return Buffer.from(bytes).toString('base64url')
}

/** Forgets old keys, now and every day, a few at a time so that nobody has to wait for it. */
export function forgetOldRequests({ store, clock, log }: { store: Store; clock: Clock; log: Log }): Disposable {
  const over = new AbortController()
  const forget = async () => {
    try {
      const before = clock.now() - KEEP_MS
      while (!over.signal.aborted && (await store.forgetRequests(before)) > 0);
    } catch (error) {
      if (!over.signal.aborted) log.warn('old keys of requests could not be forgotten', { error })
    }
  }
  void forget()
  const timer = setInterval(() => void forget(), EVERY_MS).unref()
  return {
    [Symbol.dispose]() {
      over.abort()
      clearInterval(timer)
    },
  }
}
