import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Reach } from './reach.ts'

/** How long a service may take to answer after its start. */
export const HEALTH_MS = 30_000

const Health = z.object({ status: z.literal('ok'), version: z.string(), started_at: z.string() })

/** Which version answers, as soon as one does (`wanted`, if that is given); undefined when the time is over. */
export async function awaitHealth(reach: Reach, wanted?: string, timeoutMs = HEALTH_MS): Promise<string | undefined> {
  const deadline = performance.now() + timeoutMs
  do {
    const found = await versionAt(reach).catch(() => undefined)
    if (found !== undefined && (wanted === undefined || found === wanted)) return found
    await wait(50)
  } while (performance.now() < deadline)
  return undefined
}

/** Which version of ours answers there now. Rejects when nobody does, or somebody else. */
export async function versionAt(reach: Reach): Promise<string> {
  const response = await reach.fetch('/healthz', { signal: AbortSignal.timeout(2000) })
  return Health.parse(await response.json()).version
}
