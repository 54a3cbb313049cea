import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { alternate } from '../lib/alternate.ts'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { type Context, type Part, ratioAtLeast, type Row } from '../lib/part.ts'
import type { Helper } from '../lib/processes.ts'
import type { Reader } from '../lib/reader.ts'
import { type Service, startService } from '../lib/service.ts'
import { deliver, startReader } from '../lib/subscribers.ts'

/** What durability costs where it costs most. */
export const throughput: Part = {
  name: 'throughput',
  sentence: 'one conversation, as fast as it goes, durable, against the same service on the memory store',

  async run(context: Context) {
    const scratch = await mkdtemp(join(context.scratch, 'throughput-'))
    await using reader = startReader()
    const cases = [
      { subscribers: 1, count: context.brief ? 20_000 : 300_000 },
      { subscribers: 100, count: context.brief ? 1000 : 100_000 },
    ]
    const rows: Row[] = []
    for (const { subscribers, count } of cases) {
      const load: Load = { count, rate: 0, size: 300 }
      const measure = async (store: 'sqlite' | 'memory', round: number) => {
        // A service of its own each: the memory store keeps what it was given.
        await using service = await startService({ dataDir: join(scratch, `${store}-${subscribers}-${round}`), store })
        return await deliveriesPerSecond(service, reader, { scratch, load, subscribers })
      }
      const { a, b } = await alternate(
        context,
        (round) => measure('sqlite', round),
        (round) => measure('memory', round),
      )
      rows.push({
        what: `events from one run to ${subscribers} subscriber${subscribers > 1 ? 's' : ''}`,
        unit: '/s',
        candidate: a,
        against: 'memory store',
        baseline: b,
        target: ratioAtLeast(0.85),
      })
    }
    return rows
  },

  growth: {
    axis: 'events of a run',
    cost: 'seconds to deliver them to one subscriber',
    shape: 'linear',
    sizes: [30_000, 300_000, 3_000_000],
    async measure(context, size) {
      const scratch = await mkdtemp(join(context.scratch, 'throughput-'))
      await using reader = startReader()
      await using service = await startService({ dataDir: join(scratch, 'data') })
      const load: Load = { count: size, rate: 0, size: 300 }
      return size / (await deliveriesPerSecond(service, reader, { scratch, load, subscribers: 1 }))
    },
  },
}

async function deliveriesPerSecond(
  service: Service,
  reader: Helper<Reader>,
  { scratch, load, subscribers }: { scratch: string; load: Load; subscribers: number },
): Promise<number> {
  const source = await candidateSource(service, scratch, load)
  const { elapsedMs } = await deliver(reader, subscribers, source, 100)
  return (load.count * subscribers * 1000) / elapsedMs
}
