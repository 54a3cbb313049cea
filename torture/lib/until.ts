import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `holds`; throws with `what` when that takes too long. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  atMostMs: number,
  everyMs = 25,
): Promise<void> {
  const start = performance.now()
  while (!(await holds())) {
    if (performance.now() - start > atMostMs) throw new Error(`${what}: not within ${atMostMs} ms`)
    await sleep(everyMs)
  }
}

/** `promise`, or an error with `what` when it takes too long. */
export async function within<T>(what: string, atMostMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${atMostMs} ms`)), atMostMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
