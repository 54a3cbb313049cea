import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Random } from './random.ts'
import { isResult } from './truth.ts'
import { type Body, readNdjson, readSse } from './wire.ts'

export interface LoadOptions {
  readonly base: string
  readonly scratch: string
  readonly random: Random
  readonly conversations: number
  /** Events a second of each conversation. */
  readonly rate: number
  readonly size: number
  /** How long runs are, in seconds. */
  readonly runSeconds: readonly [least: number, most: number]
  /** How many readers come and go beside the one that each conversation always has. */
  readonly guests: number
  /** Ends the load: no further runs are begun. */
  readonly signal: AbortSignal
}

/** A load that goes on, and what was seen of it. */
export interface Load {
  readonly done: Promise<void>
  readonly seen: { events: number; bytes: number; runs: number; guests: number }
  /** Delivery latency since the last call, in microseconds. */
  readonly takeLatency: () => RecordableHistogram
}

/** One event in so many is looked into for its stamp. */
const SAMPLE = 10

/** Runs that follow one another in many conversations, with readers; every delivery is checked for its number. */
export function startLoad(options: LoadOptions): Load {
  const { base, scratch, random, signal } = options
  const seen = { events: 0, bytes: 0, runs: 0, guests: 0 }
  const heads = new Map<string, number>()
  let latency = createHistogram()

  const names = Array.from({ length: options.conversations }, (_, n) => `load-${n}`)
  const all = [
    ...names.map((name) => converse(name, random.fork())),
    ...Array.from({ length: options.guests }, () => visit(random.fork())),
  ]
  return {
    done: Promise.all(all).then(() => {}),
    seen,
    takeLatency() {
      const taken = latency
      latency = createHistogram()
      return taken
    },
  }

  async function bodyOf(conversation_id: string): Promise<Body> {
    const cwd = join(scratch, 'work', conversation_id)
    await mkdir(cwd, { recursive: true })
    return { conversation_id, cwd }
  }

  async function converse(name: string, own: Random): Promise<void> {
    const body = await bodyOf(name)
    const { rate, size, runSeconds } = options
    while (!signal.aborted) {
      const text = `@load n=${own.int(...runSeconds) * rate} rate=${rate} size=${size}`
      const before = heads.get(name) ?? 0
      let last = before
      let ended = false
      const heard = await readSse(base, { ...body, text }, before, (id, data) => {
        if (id !== last + 1) throw new Error(`${name}: event ${id} came after event ${last}`)
        last = id
        heads.set(name, id)
        seen.events++
        seen.bytes += data.length + 1
        ended = isResult(data)
        if (id % SAMPLE === 0) sample(data)
      })
      if (!ended) throw new Error(`${name}: the stream ended at event ${last}: ${heard.status} ${heard.text}`)
      seen.runs++
    }
  }

  function sample(data: string): void {
    const stamp = /@ts=(\d+)@/.exec(data)?.[1]
    if (stamp === undefined) return
    const us = (performance.timeOrigin + performance.now()) * 1000 - Number(stamp)
    latency.record(Math.max(1, Math.round(us)))
  }

  /** Readers that stay for a moment: a phone that looks in. */
  async function visit(own: Random): Promise<void> {
    while (!signal.aborted) {
      const name = own.pick(names)
      const head = heads.get(name) ?? 0
      const after = Math.max(0, head - own.pick([0, 10, 200, 3000]))
      const leave = AbortSignal.timeout(own.int(50, 3000))
      let last = after
      const take = (id: number) => {
        if (id !== last + 1) throw new Error(`a guest of ${name}: event ${id} came after event ${last}`)
        last = id
      }
      const heard = own.chance(0.3)
        ? await readNdjson(base, name, after, take, { gzip: own.chance(0.5), signal: leave })
        : await readSse(base, await bodyOf(name), after, take, { signal: leave })
      // Between two runs there is nothing to attach to.
      if (![0, 200, 400, 404].includes(heard.status))
        throw new Error(`a guest of ${name}: ${heard.status} ${heard.text}`)
      seen.guests++
      if (heard.status >= 400) await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
