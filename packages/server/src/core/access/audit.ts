import type { AccessStore } from '../ports/access.ts'
import type { Clock, Log } from '../ports/outside.ts'

const EVERY_MS = 24 * 3_600_000

export interface RetentionDeps {
  readonly store: AccessStore
  readonly clock: Clock
  readonly log: Log
  readonly keepMs: number
}

/** Forgets what was noted long ago, now and every day, a little at a time so that nobody has to wait for it. */
export function forgetOldAudit({ store, clock, log, keepMs }: RetentionDeps): Disposable {
  const over = new AbortController()
  const forget = async () => {
    try {
      const before = clock.now() - keepMs
      while (!over.signal.aborted && (await store.forgetAudit(before)) > 0);
    } catch (error) {
      if (!over.signal.aborted) log.warn('old entries of the audit trail could not be forgotten', { error })
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
