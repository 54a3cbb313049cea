export type Turns = ReturnType<typeof createTurns>

/** Lets so many work at once, over all tokens; others wait. A turn ends when it is disposed of. */
export function createTurns(atOnce: number) {
  let free = atOnce
  const waiting: (() => void)[] = []
  const over = () => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }

  return async function turn(signal: AbortSignal): Promise<Disposable> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    if (!signal.aborted) return { [Symbol.dispose]: over }
    over()
    throw signal.reason
  }
}
