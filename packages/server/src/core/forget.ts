import type { Clock, Log } from './ports/outside.ts'

const EVERY_MS = 24 * 3_600_000

export interface Forgetting {
  readonly clock: Clock
  readonly log: Log
  /** What is forgotten, as the log calls it. */
  readonly what: string
  /** How long it is kept. */
  readonly keepMs: number
  /** Forgets some of what is older; how many that were. */
  readonly forget: (before: number) => Promise<number>
}

/** Forgets what is old, now and every day, a little at a time so that nobody has to wait for it. */
export function forgetDaily({ clock, log, what, keepMs, forget }: Forgetting): Disposable {
  const over = new AbortController()
  const round = async () => {
    try {
      const before = clock.now() - keepMs
      while (!over.signal.aborted && (await forget(before)) > 0);
    } catch (error) {
      if (!over.signal.aborted) log.warn(`${what} could not be forgotten`, { error })
    }
  }
  void round()
  const timer = setInterval(() => void round(), EVERY_MS).unref()
  return {
    [Symbol.dispose]() {
      over.abort()
      clearInterval(timer)
    },
  }
}
