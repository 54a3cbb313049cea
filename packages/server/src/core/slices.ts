/** How many are served at a stretch. More would hold the event loop. */
const SLICE = 500

/** Calls `serve` for each, the first at once; between so many of them others have their turn. Calls `done` after the last. */
export function inSlices<T>(all: Iterable<T>, serve: (each: T) => void, done: () => void = () => {}): void {
  const left = all[Symbol.iterator]()
  slice()

  function slice(): void {
    for (let n = 0; n < SLICE; n++) {
      const next = left.next()
      if (next.done) return done()
      serve(next.value)
    }
    setImmediate(slice)
  }
}
