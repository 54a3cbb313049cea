import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { diskAlone } from '../baselines/disk.ts'
import { alternate } from '../lib/alternate.ts'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { atMost, type Context, type Part } from '../lib/part.ts'
import { startService } from '../lib/service.ts'
import { deliver, startReader } from '../lib/subscribers.ts'

interface Ingested {
  readonly p99Ms: number
  readonly loopP99Ms: number
  readonly cpuUsPerEvent: number
  readonly cpuMs: number
}

/** A hundred busy agents at once. */
export const ingest: Part = {
  name: 'ingest',
  sentence: '100 conversations × 200 events/s of 300 bytes for 30 s, one subscriber each, durable before delivery',

  async run(context: Context) {
    const conversations = context.brief ? 20 : 100
    const seconds = context.brief ? 2 : 30
    const alone: number[] = []
    const { a, b } = await alternate(
      // Half a minute each: two rounds say what there is to say.
      { ...context, rounds: Math.min(context.rounds, 2) },
      async (round) => {
        alone.push(await diskAlone(join(context.scratch, `disk-${round}`), seconds / 3))
        return measure(context, { store: 'sqlite', conversations, seconds })
      },
      () => measure(context, { store: 'memory', conversations, seconds }),
    )
    const against = 'memory store'
    return [
      {
        what: `${conversations} × 200 events/s: delivery latency, p99`,
        unit: 'ms',
        candidate: a.map(({ p99Ms }) => p99Ms),
        against,
        baseline: b.map(({ p99Ms }) => p99Ms),
        target: atMost(25),
      },
      {
        what: 'the disk alone: 150 kB a hundred times a second, write + fdatasync, p99',
        unit: 'ms',
        candidate: alone,
      },
      {
        what: 'the server’s event loop meanwhile, delay p99',
        unit: 'ms',
        candidate: a.map(({ loopP99Ms }) => loopP99Ms),
        against,
        baseline: b.map(({ loopP99Ms }) => loopP99Ms),
        target: atMost(10),
      },
      {
        what: 'the server’s CPU per event, all threads, the making of the event included',
        unit: 'µs',
        candidate: a.map(({ cpuUsPerEvent }) => cpuUsPerEvent),
        against,
        baseline: b.map(({ cpuUsPerEvent }) => cpuUsPerEvent),
      },
    ]
  },

  growth: {
    axis: 'conversations with 200 events/s each',
    cost: 'CPU seconds of the server a second',
    shape: 'linear',
    sizes: [10, 100],
    async measure(context, size) {
      const seconds = context.brief ? 2 : 5
      const { cpuMs } = await measure(context, { store: 'sqlite', conversations: size, seconds })
      return cpuMs / 1000 / seconds
    },
  },
}

async function measure(
  context: Context,
  { store, conversations, seconds }: { store: 'sqlite' | 'memory'; conversations: number; seconds: number },
): Promise<Ingested> {
  const scratch = await mkdtemp(join(context.scratch, 'ingest-'))
  await using service = await startService({ dataDir: join(scratch, 'data'), store })
  await using reader = startReader()
  const load: Load = { count: 200 * seconds, rate: 200, size: 300 }
  const source = await candidateSource(service, scratch, load, { runs: conversations })
  await service.process.ask('watch', { loop: true })
  const { p99Ms } = await deliver(reader, conversations, source, 5)
  const { cpuMs, loopP99Ms } = await service.process.ask('watched')
  return { p99Ms, loopP99Ms, cpuMs, cpuUsPerEvent: (cpuMs * 1000) / (load.count * conversations) }
}
