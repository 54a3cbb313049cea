/** Waits for moments, all of one owner. Each wait ends before the next begins. */
export interface Pace extends Disposable {
  /** Resolves when `moment` of `performance.now()` has come, to the millisecond; rejects when the owner is to stop. */
  until(moment: number): Promise<void>
}

export type Ticker = ReturnType<typeof createTicker>

interface Waiting {
  readonly moment: number
  resolve(): void
}

/**
 * One timer for everybody who keeps a pace: a hundred agents with 200 events a second each would set, abort and clear
 * 20,000 timers a second, and that would be what is measured. Whoever is due at a tick is woken by it, as by a timer.
 */
export function createTicker() {
  const waiting = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined
  /** When the timer goes off. */
  let next = Number.POSITIVE_INFINITY

  return {
    pace(signal: AbortSignal): Pace {
      let current: Waiting | undefined
      let reject: (reason: unknown) => void = () => {}
      function stop(): void {
        if (current) waiting.delete(current)
        if (waiting.size === 0) rest()
        reject(signal.reason)
      }
      signal.addEventListener('abort', stop)
      return {
        until: (moment) =>
          new Promise((resolve, refuse) => {
            signal.throwIfAborted()
            reject = refuse
            current = { moment, resolve }
            waiting.add(current)
            plan(moment)
          }),
        [Symbol.dispose]: () => signal.removeEventListener('abort', stop),
      }
    },
  }

  function plan(moment: number): void {
    if (moment >= next) return
    clearTimeout(timer)
    next = moment
    timer = setTimeout(tick, Math.max(0, moment - performance.now()))
  }

  /** Nobody waits: the timer must not keep the process. */
  function rest(): void {
    clearTimeout(timer)
    next = Number.POSITIVE_INFINITY
  }

  function tick(): void {
    next = Number.POSITIVE_INFINITY
    const soon = performance.now() + 1
    let earliest = Number.POSITIVE_INFINITY
    for (const each of waiting) {
      if (each.moment < soon) {
        waiting.delete(each)
        each.resolve()
      } else {
        earliest = Math.min(earliest, each.moment)
      }
    }
    if (waiting.size > 0) plan(earliest)
  }
}
