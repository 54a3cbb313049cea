import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openFiles, ownBytes } from '../lib/inside.ts'
import { type Load, startLoad } from '../lib/load.ts'
import type { Context, Part } from '../lib/part.ts'
import { startProgram } from '../lib/program.ts'

/** A third of what the ingest bench asks for. */
const CONVERSATIONS = 33
const RATE = 200
const SIZE = 300
const FIFTHS = 5
const MIB = 1024 * 1024

interface Fifth {
  readonly ownBytes: number
  readonly files: number
  /** Of its quieter seconds: what others do on the machine makes some seconds slow, what we do, all. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly events: number
}

/** Hours of work in a quarter of one: whatever grows, grows here. Fewer seconds with TORTURE_SOAK_SECONDS. */
export const soak: Part = {
  name: 'soak',
  sentence: `${CONVERSATIONS} conversations with ${RATE} events/s each, readers that come and go: memory, files, latency and disk stay flat`,

  async run({ brief, random, signal, scratch, say }: Context) {
    const seconds = Number(process.env['TORTURE_SOAK_SECONDS'] ?? (brief ? 10 : 900))
    const dataDir = join(scratch, 'data')
    await using program = await startProgram({ dataDir })
    const stop = new AbortController()
    const load = startLoad({
      base: program.base,
      scratch,
      random,
      conversations: CONVERSATIONS,
      rate: RATE,
      size: SIZE,
      runSeconds: brief ? [1, 3] : [10, 40],
      guests: 10,
      signal: AbortSignal.any([stop.signal, signal]),
    })
    const fifths: Fifth[] = []
    try {
      for (let n = 0; n < FIFTHS; n++) {
        const events = load.seen.events
        const watched = await Promise.race([watch(program.pid, load, seconds / FIFTHS), load.done])
        signal.throwIfAborted()
        if (watched === undefined) throw new Error('the load has ended')
        fifths.push({
          ...watched,
          files: openFiles(program.pid).filter((file) => !file.startsWith('socket:')).length,
          events: load.seen.events - events,
        })
        say(describe(fifths.at(-1)))
      }
    } finally {
      stop.abort()
    }
    await load.done
    const { events, bytes, runs, guests } = load.seen
    // In order, so that nothing is left in the write-ahead log.
    program.signal('SIGTERM')
    await program.exit
    const disk = sizeOf(dataDir)
    check(fifths, disk, bytes, brief)
    return [
      `${seconds} s: ${events} events of ${runs} runs, each delivered once and in order; ${guests} readers came and went`,
      ...fifths.map((fifth, n) => `fifth ${n + 1}: ${describe(fifth)}`),
      `on disk: ${Math.round(disk / events)} bytes an event, whose line has ${Math.round(bytes / events)}`,
    ]
  },
}

/** The process's own memory during the next seconds, its median, and the latency of the quieter ones. */
async function watch(pid: number, load: Load, seconds: number) {
  const memory: number[] = []
  const p50: number[] = []
  const p99: number[] = []
  const end = performance.now() + seconds * 1000
  load.takeLatency()
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    memory.push(ownBytes(pid))
    const latency = load.takeLatency()
    if (latency.count === 0) continue
    p50.push(latency.percentile(50) / 1000)
    p99.push(latency.percentile(99) / 1000)
  }
  return { ownBytes: nth(memory, 0.5), p50Ms: nth(p50, 0.25), p99Ms: nth(p99, 0.25) }
}

function nth(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
}

/** The last fifth against the third: what is warm by then has to stay as it is. */
function check(fifths: readonly Fifth[], disk: number, bytes: number, brief: boolean): void {
  const [third, last] = [fifths[2], fifths[4]]
  if (third === undefined || last === undefined) throw new Error('the soak is too short')
  const flat = (what: string, before: number, now: number, atMost: number) => {
    if (now > atMost)
      throw new Error(`${what} is not flat: ${before.toFixed(1)} in the third fifth, ${now.toFixed(1)} in the last`)
  }
  // Seconds of a busy machine say nothing about what is flat.
  const doubt = brief ? 4 : 1
  flat('memory (MiB)', third.ownBytes / MIB, last.ownBytes / MIB, ((third.ownBytes * 1.2) / MIB + 24) * doubt)
  flat('the number of open files', third.files, last.files, third.files + 4 * doubt)
  flat('p50 (ms)', third.p50Ms, last.p50Ms, (third.p50Ms * 2 + 5) * doubt)
  flat('p99 (ms)', third.p99Ms, last.p99Ms, (third.p99Ms * 3 + 50) * doubt)
  // Room that was in use a moment ago is given back in idle moments, of which the end is none.
  if (disk > bytes * 1.25 + 96 * MIB)
    throw new Error(`the disk holds ${(disk / bytes).toFixed(2)} times what the events are`)
}

function describe(fifth: Fifth | undefined): string {
  if (fifth === undefined) return ''
  const { ownBytes: own, files, p50Ms, p99Ms, events } = fifth
  return `${events} events, own memory ${(own / MIB).toFixed(0)} MiB, ${files} open files, delivery p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
