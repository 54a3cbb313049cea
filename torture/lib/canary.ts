import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { listen } from './listener.ts'
import { checkLoad, checkSame, linesOf, runsOf, type Seen } from './truth.ts'
import { until, within } from './until.ts'
import { type Body, readSse } from './wire.ts'

/** A run that works on quietly beside a fault that is none of its business. */
export interface Canary {
  /** Waits for its end; throws when it lacks an event or was late. Resolves to how late it was at most. */
  finish(): Promise<number>
}

export interface CanaryOptions {
  readonly base: string
  readonly scratch: string
  readonly name: string
  readonly seconds: number
  /** How late an event may be on a machine that others use, too. */
  readonly lateMs?: number
}

const RATE = 20

/** Starts a run of texts at a steady rate, and a reader of it. Understood by the scripted agent and by the bad one. */
export async function startCanary({ base, scratch, name, seconds, lateMs = 4000 }: CanaryOptions): Promise<Canary> {
  const cwd = join(scratch, 'work', name)
  await mkdir(cwd, { recursive: true })
  const count = seconds * RATE
  const body: Body = { conversation_id: name, cwd, text: `@load n=${count} rate=${RATE} size=300` }
  let latest = 0
  let first = 0
  const onEvent = ({ data }: Seen) => {
    const stamp = /@ts=(\d+)@/.exec(data)?.[1]
    if (stamp === undefined) return
    first ||= Number(stamp)
    latest = Math.max(latest, performance.timeOrigin + performance.now() - Number(stamp) / 1000)
  }
  const leave = new AbortController()
  const opened = readSse(base, body, 0, () => leave.abort(), { signal: leave.signal, silenceMs: 30_000 })
  const listened = opened.then(() => listen({ base, body, as: 'sse', onEvent, silenceMs: 10_000 }))
  listened.catch(() => {})
  await until('the canary sings', () => first > 0, 40_000)

  return {
    async finish() {
      const { seen } = await within('the canary has ended', seconds * 1000 + 30_000, listened)
      const truth = await linesOf(base, name)
      checkSame('the canary', seen, truth)
      checkLoad(name, truth, count)
      const [run] = runsOf(name, truth)
      if (run?.result.is_error !== false) throw new Error(`the canary has died: ${run?.result.result}`)
      if (latest > lateMs) throw new Error(`the canary was late by ${Math.round(latest)} ms`)
      return latest
    },
  }
}
