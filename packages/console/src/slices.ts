import { SLICE_MS } from './pace.ts'

/**
 * Does work at once while this task of the page has time left for it, and what comes beyond that in tasks to come, the
 * newest first: it stands nearest to the end, where people read. Returns how to let it be.
 */
export function createSlices(): (work: () => void) => () => void {
  const waiting: (() => void)[] = []
  /** When the time of this task is over; undefined while nothing was done in it. */
  let until: number | undefined

  return (work) => {
    if (hasTime()) work()
    else waiting.push(work)
    return () => {
      const at = waiting.indexOf(work)
      if (at >= 0) waiting.splice(at, 1)
    }
  }

  function hasTime(): boolean {
    if (until === undefined) {
      until = performance.now() + SLICE_MS
      setTimeout(goOn)
    }
    return performance.now() < until
  }

  function goOn(): void {
    until = undefined
    while (waiting.length > 0 && hasTime()) waiting.pop()?.()
  }
}
