import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Config } from '../config.ts'

/** How long a service may take to answer after its start. */
export const HEALTH_MS = 30_000

/** Where a service with these options answers this machine. */
export function localUrl({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

const Health = z.object({ status: z.literal('ok'), version: z.string() })

/** Which version answers, as soon as one does (`wanted`, if that is given); undefined when the time is over. */
export async function awaitHealth(url: string, wanted?: string, timeoutMs = HEALTH_MS): Promise<string | undefined> {
  const deadline = performance.now() + timeoutMs
  do {
    const found = await versionOf(url)
    if (found !== undefined && (wanted === undefined || found === wanted)) return found
    await wait(50)
  } while (performance.now() < deadline)
  return undefined
}

async function versionOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) })
    return Health.parse(await response.json()).version
  } catch {
    // Not listening yet, or somebody else: both are no answer.
    return undefined
  }
}
