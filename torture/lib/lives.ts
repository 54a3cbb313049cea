import { setTimeout as sleep } from 'node:timers/promises'
import { type Launched, launch } from './program.ts'

/** The service from one start to its end. */
export interface Life {
  readonly number: number
  readonly base: string
  readonly program: Launched
  /** It is being ended: whatever breaks off from now on may. Set before the signal is sent. */
  isOver: boolean
}

export interface Lives extends AsyncDisposable {
  /** The life that clients may speak to; waits for one with a number above `after`. */
  readonly current: (after?: number) => Promise<Life>
  /** Starts the service. Clients get to know of it unless `inSecret`. */
  readonly begin: (options?: { inSecret: boolean }) => Promise<Life>
  /** Starts the service and kills it after so many ms, wherever it is by then. */
  readonly killAtStart: (afterMs: number) => Promise<void>
  /** kill -9. */
  readonly kill: (life: Life) => Promise<void>
  /** Asks it to stop; kills it if it is not gone within `patienceMs`. Resolves to whether it went by itself. */
  readonly stop: (life: Life, patienceMs: number) => Promise<boolean>
  /** How often it was begun. */
  readonly count: number
}

/** One service on one data directory, again and again; one at a time. Everything ends with `signal`. */
export function createLives(dataDir: string, signal: AbortSignal): Lives {
  let count = 0
  let running: Launched | undefined
  let open: Life | undefined
  let waiting: (() => void)[] = []

  function wakeAll(): void {
    const ready = waiting
    waiting = []
    for (const go of ready) go()
  }

  signal.addEventListener('abort', wakeAll)

  function close(life: Life): void {
    if (open === life) open = undefined
    life.isOver = true
  }

  return {
    async current(after = 0) {
      for (;;) {
        signal.throwIfAborted()
        if (open !== undefined && open.number > after) return open
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    async begin({ inSecret } = { inSecret: false }) {
      const number = ++count
      const program = (running = await launch({ dataDir }))
      const base = await program.listening
      if (base === undefined) throw new Error(`start ${number} failed: ${program.stderr}`)
      const life: Life = { number, base, program, isOver: false }
      if (!inSecret) {
        open = life
        wakeAll()
      }
      return life
    },
    async killAtStart(afterMs) {
      count++
      running = await launch({ dataDir })
      await sleep(afterMs)
      await running.kill()
      mustBeFine(running)
    },
    async kill(life) {
      close(life)
      await life.program.kill()
      mustBeFine(life.program)
    },
    async stop(life, patienceMs) {
      close(life)
      life.program.signal('SIGTERM')
      const patience = new AbortController()
      const isGone = await Promise.race([
        life.program.exit.then(() => true),
        sleep(patienceMs, false, { signal: patience.signal }).catch(() => false),
      ])
      patience.abort()
      if (!isGone) await life.program.kill()
      mustBeFine(life.program)
      return isGone
    },
    get count() {
      return count
    },
    async [Symbol.asyncDispose]() {
      await running?.kill()
    },
  }
}

/** Nothing that is done here is an error to the service (50 is pino's number for it), but that it refuses while it stops. */
function mustBeFine({ stderr }: Launched): void {
  const complaint = stderr
    .split('\n')
    .find((line) => /"level":[56]0|^claude-proxy:/.test(line) && !line.includes('"shutting_down"'))
  if (complaint !== undefined) throw new Error(`the service complains: ${complaint}`)
}
