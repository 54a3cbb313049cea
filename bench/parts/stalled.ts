import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { atMost, type Context, type Part, ratioAtMost } from '../lib/part.ts'
import { startService } from '../lib/service.ts'
import { median } from '../lib/stats.ts'
import { startReader, subscribe } from '../lib/subscribers.ts'

const MIB = 1024 * 1024
const EVENT_BYTES = 20_000
/** About 7 MB/s, which a hundred readers take a hundred times. */
const RATE = 350

interface Case {
  readonly stalled: number
  readonly megabytes: number
}

interface Measured {
  /** What JavaScript holds when everything has passed and the stalled still stall. */
  readonly heldMib: number
  readonly peakMib: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Readers that do not read: a phone in a pocket. */
export const stalled: Part = {
  name: 'stalled',
  sentence: 'some read nothing while 200 MB of events pass and 100 others read; then they read, and get everything',

  async run(context: Context) {
    const megabytes = context.brief ? 5 : 200
    const readers = context.brief ? 10 : 100
    const many = context.brief ? 10 : 100
    const cases: Record<'none' | 'one' | 'many' | 'twice', Case> = {
      none: { stalled: 0, megabytes },
      one: { stalled: 1, megabytes },
      many: { stalled: many, megabytes },
      twice: { stalled: many, megabytes: 2 * megabytes },
    }
    const figures: Record<keyof typeof cases, Measured[]> = { none: [], one: [], many: [], twice: [] }
    // A moment in which the machine was busy with something else is many times what one reader could cost the others.
    const names = ['none', 'one', 'many', 'twice', 'one', 'none'] as const
    for (let round = 0; round < Math.min(context.rounds, 2); round++) {
      for (const name of names) {
        context.signal.throwIfAborted()
        figures[name].push(await measure(context, readers, cases[name]))
      }
    }
    const { none, one, many: several, twice } = figures
    const each = (with_: Measured[], stalledReaders: number, of: 'heldMib' | 'peakMib') =>
      with_.map((figure) => (figure[of] - median(none.map((without) => without[of]))) / stalledReaders)
    const othersLatency = (p: 'p50Ms' | 'p99Ms') => ({
      unit: 'ms',
      candidate: one.map((figure) => figure[p]),
      against: 'without the stalled one',
      baseline: none.map((figure) => figure[p]),
      target: ratioAtMost(1.2),
    })
    return [
      {
        what: `one stalled, after ${megabytes} MB: what the server holds for it`,
        unit: 'MiB',
        candidate: each(one, 1, 'heldMib'),
        target: atMost(1),
      },
      {
        what: `${many} stalled, after ${megabytes} MB: what the server holds for each`,
        unit: 'MiB',
        candidate: each(several, many, 'heldMib'),
        target: atMost(1),
      },
      {
        what: `${many} stalled, after ${2 * megabytes} MB: what the server holds for each`,
        unit: 'MiB',
        candidate: each(twice, many, 'heldMib'),
        target: atMost(1),
      },
      {
        what: `${many} stalled, ${2 * megabytes} MB: peak of resident memory, for each`,
        unit: 'MiB',
        candidate: each(twice, many, 'peakMib'),
        target: atMost(1),
      },
      { what: `one stalled: the ${readers} others’ latency, p50`, ...othersLatency('p50Ms') },
      { what: `one stalled: the ${readers} others’ latency, p99`, ...othersLatency('p99Ms') },
    ]
  },

  growth: {
    axis: 'MB that pass a stalled reader',
    cost: 'MiB of resident memory at the peak, with ten of them',
    shape: 'flat',
    sizes: [20, 200],
    async measure(context, size) {
      return (await measure(context, 10, { stalled: 10, megabytes: size })).peakMib
    },
  },
}

async function measure(context: Context, readers: number, { stalled: count, megabytes }: Case): Promise<Measured> {
  const scratch = await mkdtemp(join(context.scratch, 'stalled-'))
  await using service = await startService({ dataDir: join(scratch, 'data'), collects: true })
  await using reader = startReader()
  const load: Load = { count: Math.ceil((megabytes * 1e6) / EVENT_BYTES), rate: RATE, size: EVENT_BYTES }
  // The run stays open: what the server keeps for those who do read is there with and without a stalled one.
  const source = await candidateSource(service, scratch, load, { staysOpen: true })
  await subscribe(reader, 'others', readers, source)
  if (count > 0) {
    await subscribe(reader, 'stalled', count, source)
    await reader.ask('pause', 'stalled')
  }
  await service.process.ask('watch', { loop: true })
  await source.open()
  await reader.ask('wait', { group: 'others', last: source.end })
  const { peak } = await service.process.ask('watched')
  const { heldBytes } = await service.process.ask('memory')
  const { p50Ms, p99Ms } = await reader.ask('report', 'others')
  if (count > 0) {
    await reader.ask('resume', 'stalled')
    await reader.ask('wait', { group: 'stalled', last: source.end })
  }
  return { heldMib: heldBytes / MIB, peakMib: peak.ownBytes / MIB, p50Ms, p99Ms }
}
