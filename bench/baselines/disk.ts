import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../lib/stats.ts'

/** What commits under load write and how often, and the length after which a log starts over. */
const BYTES = 150_000
const EVERY_MS = 10
const LOG_BYTES = 16 * 1024 * 1024

/** How long the disk alone takes for such a commit: the p99 of `write` and `fdatasync`, in ms. */
export async function diskAlone(file: string, seconds: number): Promise<number> {
  const descriptor = openSync(file, 'w')
  const bytes = Buffer.alloc(BYTES, 'x')
  const times: number[] = []
  try {
    for (let n = 0; n < (seconds * 1000) / EVERY_MS; n++) {
      const start = performance.now()
      writeSync(descriptor, bytes, 0, BYTES, (n * BYTES) % LOG_BYTES)
      fdatasyncSync(descriptor)
      times.push(performance.now() - start)
      await sleep(Math.max(0, EVERY_MS - (performance.now() - start)))
    }
  } finally {
    closeSync(descriptor)
  }
  return percentile(times, 99)
}
