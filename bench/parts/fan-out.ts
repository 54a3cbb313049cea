import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningLoop, startLoop } from '../baselines/loop-source.ts'
import { startNchan } from '../baselines/nchan-source.ts'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { type Context, type Part, ratioAtLeast, ratioAtMost, type Row } from '../lib/part.ts'
import type { Helper } from '../lib/processes.ts'
import { untilQuiet } from '../lib/quiet.ts'
import type { Reader, Report } from '../lib/reader.ts'
import { type Service, startService } from '../lib/service.ts'
import { deliver, startReader } from '../lib/subscribers.ts'

/** As fast as it goes: some seconds' worth, far more than the kernel's buffers take in. */
const DELIVERIES = 20_000_000
const MOST_EVENTS = 300_000
const PACE = 10_000
const PACED_SECONDS = 10
/** nchan sends every event by itself: it gets fewer of them, the time is the same. */
const NCHAN_SHARE = 0.2

/** Many who watch the same conversation. */
export const fanOut: Part = {
  name: 'fan-out',
  sentence: '1 conversation, 1 to 5,000 subscribers, as fast as it goes and at 10,000 deliveries/s',

  async run(context: Context) {
    const wanted = context.brief ? [1, 100] : [1, 100, 1000, 5000]
    const counts = wanted.map((count) => Math.min(count, context.mostSockets))
    const scratch = await mkdtemp(join(context.scratch, 'fan-out-'))
    await using service = await startService({ dataDir: join(scratch, 'data') })
    await using loop = await startLoop()
    await using nchan = await startNchan(scratch)
    await using reader = startReader()
    const rows: Row[] = []
    for (const count of counts) {
      const [most, paced] = loads(context, count)
      const others = count === 1000 || context.brief ? nchan : undefined
      const fast = await takeTurns(context, count, most, { service, loop, nchan: others, reader, scratch })
      const slow = await takeTurns(context, count, paced, { service, loop, nchan: others, reader, scratch })
      rows.push(...rowsOf(count, fast, slow))
    }
    const [first, ...others] = rows
    if (nchan !== undefined || first === undefined) return rows
    return [{ ...first, note: 'nginx with nchan is not installed here: its rows are missing' }, ...others]
  },

  growth: {
    axis: 'subscribers of one conversation',
    cost: 'ms to bring one event to all, as fast as it goes',
    shape: 'linear',
    sizes: [10, 100, 1000],
    async measure(context, size) {
      const scratch = await mkdtemp(join(context.scratch, 'fan-out-'))
      await using service = await startService({ dataDir: join(scratch, 'data') })
      await using reader = startReader()
      const [load] = loads(context, size)
      const { elapsedMs } = await deliver(reader, size, await candidateSource(service, scratch, load), 100)
      return elapsedMs / load.count
    },
  },
}

interface Sides {
  readonly service: Service
  readonly loop: RunningLoop
  readonly nchan: { source(load: Load): ReturnType<RunningLoop['source']> } | undefined
  readonly reader: Helper<Reader>
  readonly scratch: string
}

interface Turns {
  readonly candidate: Report[]
  readonly loop: Report[]
  readonly nchan: Report[]
}

/** The same load from each, in turns, the order turned round each time. */
async function takeTurns(context: Context, count: number, load: Load, sides: Sides): Promise<Turns> {
  const { service, loop, nchan, reader, scratch } = sides
  const isPaced = load.rate > 0
  const sampleEvery = isPaced ? 1 : 100
  const turns: Turns = { candidate: [], loop: [], nchan: [] }
  const steps = [
    async () => {
      // What went before may still be sealed in the background.
      await untilQuiet(service.process.pid)
      // A run that ends right after its last event, and all its streams with it, would be measured as that event.
      const source = await candidateSource(service, scratch, load, { staysOpen: isPaced })
      turns.candidate.push(await deliver(reader, count, source, sampleEvery))
    },
    async () => turns.loop.push(await deliver(reader, count, await loop.source(load), sampleEvery)),
    async () => {
      if (!nchan) return
      const fewer = isPaced ? load : { ...load, count: Math.ceil(load.count * NCHAN_SHARE) }
      turns.nchan.push(await deliver(reader, count, await nchan.source(fewer), sampleEvery))
    },
  ]
  for (let round = 0; round < context.rounds; round++) {
    context.signal.throwIfAborted()
    for (const step of round % 2 === 0 ? steps : steps.toReversed()) await step()
  }
  return turns
}

function rowsOf(count: number, fast: Turns, slow: Turns): Row[] {
  const rate = (report: Report) => (report.events * 1000) / report.elapsedMs
  const p99 = (report: Report) => report.p99Ms
  const who = `${count.toLocaleString('en-GB')} subscriber${count > 1 ? 's' : ''}`
  const speed = { what: `${who}, as fast as it goes`, unit: '/s', candidate: fast.candidate.map(rate) }
  const delay = { what: `${who}, 10,000 deliveries/s: latency p99`, unit: 'ms', candidate: slow.candidate.map(p99) }
  return [
    { ...speed, against: 'bare node:http loop', baseline: fast.loop.map(rate), target: ratioAtLeast(0.9) },
    { ...delay, against: 'bare node:http loop', baseline: slow.loop.map(p99) },
    ...(fast.nchan.length === 0
      ? []
      : [
          { ...speed, against: 'nginx + nchan', baseline: fast.nchan.map(rate), target: ratioAtLeast(1.5) },
          { ...delay, against: 'nginx + nchan', baseline: slow.nchan.map(p99), target: ratioAtMost(1.2) },
        ]),
  ]
}

function loads(context: Context, subscribers: number): [most: Load, paced: Load] {
  const scale = context.brief ? 0.02 : 1
  const rate = PACE / subscribers
  return [
    { count: Math.ceil(Math.min(DELIVERIES / subscribers, MOST_EVENTS) * scale), rate: 0, size: 300 },
    { count: Math.ceil(rate * Math.max(1, PACED_SECONDS * scale)), rate, size: 300, delay: 500 },
  ]
}
