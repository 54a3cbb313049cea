import { isMainThread } from 'node:worker_threads'

// Loaded into the service with `--import`: at each SIGUSR2 the time of day jumps by hours, forwards and back.
const HOURS = [5, -9, 26, -30, 1, -400]

if (isMainThread) {
  const RealDate = Date
  const realNow = Date.now
  let offsetMs = 0
  let jumps = 0
  process.on('SIGUSR2', () => {
    offsetMs += (HOURS[jumps++ % HOURS.length] ?? 0) * 3_600_000
    process.stderr.write(`jumped to ${new RealDate(now()).toISOString()}\n`)
  })
  const now = () => realNow() + offsetMs
  globalThis.Date = class extends RealDate {
    static override now = now
    constructor(...given: unknown[]) {
      if (given.length === 0) super(now())
      else super(...(given as [number]))
    }
  } as DateConstructor
}
