/** Says when the client should look again at once; returns how to be told no more. */
export type OnWake = (wake: () => void) => () => void

/** A page that is seen again, or a machine that is back in the network; where there is no page, never. */
export const onWakeOfPage: OnWake = (wake) => {
  const { addEventListener: listen, removeEventListener: forget, document } = globalThis as Partial<Page>
  const look = () => {
    if (document?.visibilityState === 'visible') wake()
  }
  listen?.('online', wake)
  document?.addEventListener('visibilitychange', look)
  return () => {
    forget?.('online', wake)
    document?.removeEventListener('visibilitychange', look)
  }
}

interface Page extends Listening {
  readonly document: Listening & { readonly visibilityState: string }
}
interface Listening {
  addEventListener(name: string, listener: () => void): void
  removeEventListener(name: string, listener: () => void): void
}

/** Waits; no longer than to the abort of `signal`, or until something wakes it. */
export function sleep(ms: number, signal: AbortSignal, onWake: OnWake): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      stopListening()
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    const stopListening = onWake(done)
    return undefined
  })
}

const LONGEST_MS = 30_000

/** How long to wait after so many failures in a row: twice as long each time, and not all clients at once. */
export function backOff(failures: number, firstMs: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), Math.max(firstMs, LONGEST_MS)) * (0.5 + Math.random() / 2)
}

/** Something that ends with `signal`, and can be ended earlier with a reason of its own. */
export interface Linked {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** It is over, and holds on to nothing any more. */
  release(): void
}

/** React Native has no `AbortSignal.any`. */
export function linkTo(signal: AbortSignal | undefined): Linked {
  const own = new AbortController()
  const follow = () => own.abort(signal?.reason)
  if (signal?.aborted) follow()
  signal?.addEventListener('abort', follow)
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    release: () => signal?.removeEventListener('abort', follow),
  }
}
