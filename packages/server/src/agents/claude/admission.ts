/** Lets at most `limit` at a time through; the others wait in order. */
export interface Admission {
  /** Resolves with the way out, to be called once. */
  enter(): Promise<() => void>
  /** How many wait. */
  readonly waiting: number
}

export function createAdmission(limit: number): Admission {
  let inside = 0
  const waiting: (() => void)[] = []

  return {
    get waiting() {
      return waiting.length
    },
    async enter() {
      if (inside < limit) inside++
      else await new Promise<void>((resolve) => waiting.push(resolve))
      let left = false
      return () => {
        if (left) return
        left = true
        // The place is handed on, so that nobody slips in between.
        const next = waiting.shift()
        if (next) next()
        else inside--
      }
    },
  }
}
