import { setImmediate as nextTick } from 'node:timers/promises'

/** How many are served at a stretch. More would hold the event loop. */
const SLICE = 500

/** Calls `serve` for each, the first at once; between so many of them others have their turn. */
export async function inSlices<T>(all: Iterable<T>, serve: (each: T) => void): Promise<void> {
  let served = 0
  for (const each of all) {
    if (served > 0 && served % SLICE === 0) await nextTick()
    serve(each)
    served++
  }
}
