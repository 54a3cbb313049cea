import { readFileSync } from 'node:fs'
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { clockOriginUs } from './clock.ts'

export interface Memory {
  /** Resident, all of it. */
  readonly rssBytes: number
  /** Resident and the process's own: without files that are mapped into it. */
  readonly ownBytes: number
  /** What JavaScript holds: heap and buffers. */
  readonly heldBytes: number
}

export interface Watched {
  /** Of all threads. */
  readonly cpuMs: number
  readonly elapsedMs: number
  /** How late the event loop came to its timers. */
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  /** The longest that this process's own work kept the loop: without the time in which others had the core. */
  readonly heldMaxMs: number
  readonly peak: Memory
}

const TICK_MS = 1
const MEMORY_EVERY_MS = 20

/** What a process that is measured tells about itself. Made once in a process. */
export function createProbe() {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS })
  const held = createHistogram()
  let ticks: NodeJS.Timeout | undefined
  let samples: NodeJS.Timeout | undefined
  let peak = memory()
  let startedAt = performance.now()
  let startedCpu = process.cpuUsage()

  function stop(): void {
    clearInterval(ticks)
    clearInterval(samples)
    delay.disable()
  }

  return {
    clockOriginUs: () => clockOriginUs(),

    /** Begins to watch; `loop`: the event loop, too, which costs a little. */
    watch({ loop }: { loop: boolean }): void {
      stop()
      delay.reset()
      held.reset()
      peak = memory()
      startedAt = performance.now()
      startedCpu = process.cpuUsage()
      if (!loop) return
      delay.enable()
      samples = setInterval(() => {
        peak = larger(peak, memory())
      }, MEMORY_EVERY_MS).unref()
      let wall = performance.now()
      let cpu = threadCpuMs()
      ticks = setInterval(() => {
        const [wallNow, cpuNow] = [performance.now(), threadCpuMs()]
        // Late and busy: our own doing. Late and not busy: another process had the core.
        const keptMs = Math.min(wallNow - wall - TICK_MS, cpuNow - cpu)
        if (keptMs > 0) held.record(Math.max(1, Math.round(keptMs * 1000)))
        wall = wallNow
        cpu = cpuNow
      }, TICK_MS).unref()
    },

    /** What was seen since `watch`. */
    watched(): Watched {
      const { user, system } = process.cpuUsage(startedCpu)
      const seen = delay.count > 0
      stop()
      return {
        cpuMs: (user + system) / 1000,
        elapsedMs: performance.now() - startedAt,
        // The histogram holds the whole time between two ticks.
        loopP99Ms: seen ? Math.max(0, delay.percentile(99) / 1e6 - TICK_MS) : 0,
        loopMaxMs: seen ? Math.max(0, delay.max / 1e6 - TICK_MS) : 0,
        heldMaxMs: held.count > 0 ? held.max / 1000 : 0,
        peak: larger(peak, memory()),
      }
    },

    /** Memory now, after a collection where Node was started with `--expose-gc`. */
    async memory(): Promise<Memory> {
      for (let n = 0; n < 3; n++) {
        globalThis.gc?.()
        // Finalisers and closed handles get their turn.
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return memory()
    },
  }
}

export type Probe = ReturnType<typeof createProbe>

function memory(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, ownBytes: ownBytes() ?? rss, heldBytes: heapUsed + external }
}

function ownBytes(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const kib = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}

function larger(a: Memory, b: Memory): Memory {
  return {
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    ownBytes: Math.max(a.ownBytes, b.ownBytes),
    heldBytes: Math.max(a.heldBytes, b.heldBytes),
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
