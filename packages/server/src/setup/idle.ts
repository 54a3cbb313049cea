import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { localUrl } from './health.ts'

/** How often it is asked whether a run is active. */
const ASK_MS = 1000

/** Waits until no run is active; false when there is one still at the deadline. A service that is down has none. */
export async function awaitIdle(config: Config, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (await isBusy(config)) {
    if (performance.now() >= deadline) return false
    await wait(Math.min(ASK_MS, Math.max(0, deadline - performance.now())))
  }
  return true
}

const List = z.object({ conversations: z.array(z.unknown()) })

/** A run that waits for a person's answer is active, too. */
async function isBusy(config: Config): Promise<boolean> {
  const counts = await Promise.all(['running', 'waiting'].map((state) => count(config, state)))
  return counts.some((each) => each > 0)
}

async function count(config: Config, state: string): Promise<number> {
  const headers: Record<string, string> = config.token === '' ? {} : { authorization: `Bearer ${config.token}` }
  const url = `${localUrl(config)}/v1/conversations?state=${state}&limit=1`
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) }).catch(() => undefined)
  if (response === undefined) return 0
  return List.parse(await response.json()).conversations.length
}
