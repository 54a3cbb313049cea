/** Choices that can be repeated. */
export interface Random {
  /** From 0 up to 1. */
  readonly next: () => number
  /** A whole number from `least` to `most`, both included. */
  readonly int: (least: number, most: number) => number
  /** True so often out of 1. */
  readonly chance: (share: number) => boolean
  readonly pick: <T>(from: readonly T[]) => T
  /** Choices of its own, for something that runs beside others. */
  readonly fork: () => Random
}

/** The choices that belong to a seed (mulberry32: enough for choosing, not for secrets). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))

  return {
    next,
    int,
    chance: (share) => next() < share,
    pick(from) {
      const chosen = from[int(0, from.length - 1)]
      if (chosen === undefined) throw new Error('there is nothing to choose from')
      return chosen
    },
    fork: () => createRandom(int(0, 2 ** 31)),
  }
}
