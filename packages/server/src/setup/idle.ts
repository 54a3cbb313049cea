import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { lockHolder } from '../store/sqlite/lock.ts'
import { lookInto } from '../store/sqlite/look.ts'

/** How often it is looked whether a run is active. */
const LOOK_MS = 1000

/**
 * Waits until no run is active; false when there is one still at the deadline. It looks at what is kept, and asks nobody:
 * so it needs no token.
 */
export async function awaitIdle(config: Pick<Config, 'dataDir'>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (await isBusy(config.dataDir)) {
    if (performance.now() >= deadline) return false
    await wait(Math.min(LOOK_MS, Math.max(0, deadline - performance.now())))
  }
  return true
}

/** A run that waits for a person's answer is active, too. A service that is down has none: its start closes them. */
async function isBusy(dataDir: string): Promise<boolean> {
  if (lockHolder(dataDir) === undefined) return false
  using look = lookInto(dataDir)
  return (await look.openRuns()).length > 0
}
