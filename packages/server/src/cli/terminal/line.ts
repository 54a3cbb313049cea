import type { ClaudeProxyError, StreamState } from '@claude-proxy/client'

/** The line to the service while something is followed: `signal` and `onState` are for `follow`. */
export interface Line {
  readonly signal: AbortSignal
  readonly onState: (state: StreamState) => void
  /** Ends what is followed. */
  close(): void
  /** Throws what ended it, if that was nobody's wish. */
  check(): void
}

interface Told {
  /** The connection is gone; it is tried again. */
  cut(): void
  back(): void
}

const GIVE_UP_MS = 10 * 60_000

/** Tells when the connection goes and comes back, and gives up when nobody has answered for ten minutes. */
export function createLine(told: Told): Line {
  const over = new AbortController()
  let lostAtMs: number | undefined
  let failure: ClaudeProxyError | undefined
  return {
    signal: over.signal,
    onState(now) {
      if (now.state === 'live') {
        if (lostAtMs !== undefined) told.back()
        lostAtMs = undefined
      } else if (now.state === 'waiting') {
        if (lostAtMs === undefined) told.cut()
        lostAtMs ??= Date.now()
        if (Date.now() - lostAtMs < GIVE_UP_MS) return
        failure = now.error
        over.abort()
      }
    },
    close: () => over.abort(),
    check() {
      if (failure) throw failure
    },
  }
}
