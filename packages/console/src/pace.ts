/** A person feels a page that does not answer for much longer than a frame. */
export const SLICE_MS = 8

/** For work in many small steps: after each, gives way if the page has waited long enough for its turn. */
export function createPace(): () => Promise<void> | undefined {
  let from = performance.now()
  return () => {
    if (performance.now() - from < SLICE_MS) return undefined
    return new Promise((resolve) => {
      setTimeout(() => {
        from = performance.now()
        resolve()
      })
    })
  }
}
