import { createHistogram } from 'node:perf_hooks'
import { clockOriginUs } from './clock.ts'
import { type Bulk, fetchBulk } from './bulk.ts'
import { answer } from './rpc.ts'
import { Stream, type StreamOptions } from './stream.ts'

/** The process that holds the subscribers, so that they do not borrow the server's event loop. */

export interface Opening extends Omit<StreamOptions, 'request' | 'skewUs'> {
  /** Given out in turn, to `count` streams. */
  readonly requests: readonly string[]
  readonly count: number
  /** Connections that may be on their way at once. */
  readonly window: number
  /** `clockOriginUs` of the process that stamps the events. */
  readonly stampOriginUs: number
}

export interface Report {
  readonly streams: number
  readonly events: number
  readonly bytes: number
  /** From the first stamp to the last delivery. */
  readonly elapsedMs: number
  readonly samples: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** CPU of this process since `mark`. */
  readonly cpuMs: number
}

interface Group {
  readonly streams: Stream[]
  readonly latency: ReturnType<typeof createHistogram>
  readonly waiting: Set<() => void>
  cpu: NodeJS.CpuUsage
}

/** How often a wait that does not time anything looks at its streams. */
const LOOK_EVERY_MS = 5

/** Nothing here takes as long: what is missing by then does not come. */
const MOST_WAIT_MS = 180_000

const groups = new Map<string, Group>()

const handlers = {
  /** Opens streams; resolves when all have got the head of their response. */
  async open({ group: name, opening }: { group: string; opening: Opening }): Promise<void> {
    const { requests, count, window, stampOriginUs, ...options } = opening
    const skewUs = stampOriginUs - clockOriginUs()
    const group: Group = { streams: [], latency: createHistogram(), waiting: new Set(), cpu: process.cpuUsage() }
    groups.set(name, group)
    const changed = () => {
      for (const look of group.waiting) look()
    }
    const onLatency = (us: number) => group.latency.record(Math.max(1, Math.round(us)))
    for (let n = 0; n < count; n++) {
      const request = requests[n % requests.length] ?? ''
      const stream = new Stream({ ...options, request, skewUs }, onLatency, changed)
      group.streams.push(stream)
      stream.open()
      if (n >= window) await until(group, (each, index) => index > n - window || each.hasBegun)
    }
    await until(group, (stream) => stream.hasBegun)
  },

  /** Resolves when every stream has event `last`; with `closed`, also its end. */
  async wait({ group, last, closed = false }: { group: string; last: number; closed?: boolean }): Promise<void> {
    await until(find(group), (stream) => stream.last >= last && (stream.closed || !closed), LOOK_EVERY_MS)
    const wrong = find(group).streams.find((stream) => closed && stream.last !== last)
    if (wrong) throw new Error(`a stream ended with event ${wrong.last} instead of ${last}`)
  },

  /** Begins to count and to time anew. */
  mark(group: string): void {
    const { streams, latency } = find(group)
    for (const stream of streams) stream.mark()
    latency.reset()
    find(group).cpu = process.cpuUsage()
  },

  report(group: string): Report {
    const { streams, latency, cpu } = find(group)
    const { user, system } = process.cpuUsage(cpu)
    const first = Math.min(...streams.map(({ seen }) => seen.firstStampUs))
    const last = Math.max(...streams.map(({ seen }) => seen.lastUs))
    return {
      streams: streams.length,
      events: streams.reduce((sum, { seen }) => sum + seen.events, 0),
      bytes: streams.reduce((sum, { seen }) => sum + seen.bytes, 0),
      elapsedMs: (last - first) / 1000,
      samples: latency.count,
      p50Ms: latency.percentile(50) / 1000,
      p99Ms: latency.percentile(99) / 1000,
      maxMs: latency.max / 1000,
      cpuMs: (user + system) / 1000,
    }
  },

  /** The number of the last event that all streams have. */
  last: (group: string) => Math.min(...find(group).streams.map((stream) => stream.last)),

  pause(group: string): void {
    for (const stream of find(group).streams) stream.pause()
  },

  resume(group: string): void {
    for (const stream of find(group).streams) stream.resume()
  },

  /** Breaks all connections at once. */
  drop(group: string): void {
    for (const stream of find(group).streams) stream.drop()
  },

  /** All come back at once with their last number. Resolves, when each has event `last`, with the times it took them. */
  async comeBack({ group: name, last }: { group: string; last: number }): Promise<number[]> {
    const group = find(name)
    const start = performance.now()
    const times = new Map<Stream, number>()
    for (const stream of group.streams) stream.open()
    await until(group, (stream) => {
      if (stream.last >= last && !times.has(stream)) times.set(stream, performance.now() - start)
      return times.has(stream)
    })
    return [...times.values()]
  },

  close(group: string): void {
    handlers.drop(group)
    groups.delete(group)
  },

  bulk: (bulk: Bulk) => fetchBulk(bulk),
}

export type Reader = typeof handlers

answer(handlers)

function find(name: string): Group {
  const group = groups.get(name)
  if (group === undefined) throw new Error(`there is no group ${name}`)
  return group
}

/** Resolves when all streams fit; a stream that once did is not asked again. Rejects when one has gone wrong. */
async function until(group: Group, fits: (stream: Stream, index: number) => boolean, everyMs?: number): Promise<void> {
  const left = new Map(group.streams.map((stream, index) => [index, stream]))
  const done = Promise.withResolvers<void>()
  let planned = false
  const look = () => {
    planned = false
    for (const [index, stream] of left) {
      if (stream.wrong !== undefined) done.reject(new Error(stream.wrong))
      else if (fits(stream, index)) left.delete(index)
      else if (stream.closed) done.reject(new Error(`the server ended a stream after event ${stream.last}`))
    }
    if (left.size === 0) done.resolve()
  }
  // At most once a turn of the loop: this process has its streams to read.
  const plan = () => {
    if (planned) return
    planned = true
    if (everyMs === undefined) setImmediate(look)
    else setTimeout(look, everyMs)
  }
  const timer = setTimeout(() => {
    const behind = [...left.values()].map((stream) => stream.last)
    done.reject(new Error(`${left.size} of ${group.streams.length} streams are not there yet, at event ${behind[0]}`))
  }, MOST_WAIT_MS)
  group.waiting.add(plan)
  look()
  try {
    await done.promise
  } finally {
    clearTimeout(timer)
    group.waiting.delete(plan)
  }
}
