import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startLoop } from '../baselines/loop-source.ts'
import { alternate } from '../lib/alternate.ts'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { type Context, type Part, ratioAtMost, type Row } from '../lib/part.ts'
import { median } from '../lib/stats.ts'
import { startService } from '../lib/service.ts'
import { type Source, startReader, subscribe } from '../lib/subscribers.ts'

const RATE = 50
const SECONDS = 4
/** How long all are away: events that they miss. */
const AWAY_MS = 1000

interface Storm {
  readonly slowestMs: number
  readonly medianMs: number
}

/** A network that comes back. */
export const storm: Part = {
  name: 'storm',
  sentence: '1,000 subscribers dropped at once, all resume with their last id while events go on',

  async run(context: Context) {
    const count = Math.min(context.brief ? 100 : 1000, context.mostSockets)
    const scratch = await mkdtemp(join(context.scratch, 'storm-'))
    await using service = await startService({ dataDir: join(scratch, 'data') })
    await using loop = await startLoop({ keepsHistory: true })
    const rows: Row[] = []
    for (const [watchesConversation, door] of DOORS) {
      const { a, b } = await alternate(
        context,
        async () => weather(count, await candidateSource(service, scratch, LOAD, { watchesConversation })),
        async () => weather(count, await loop.source(LOAD)),
      )
      const who = `${count.toLocaleString('en-GB')} come back at once to ${door}`
      const against = 'bare node:http loop'
      rows.push(
        {
          what: `${who}: until the slowest has what it missed`,
          unit: 'ms',
          candidate: a.map(({ slowestMs }) => slowestMs),
          against,
          baseline: b.map(({ slowestMs }) => slowestMs),
          target: ratioAtMost(1.5),
        },
        {
          what: `${who}: until the median has what it missed`,
          unit: 'ms',
          candidate: a.map(({ medianMs }) => medianMs),
          against,
          baseline: b.map(({ medianMs }) => medianMs),
        },
      )
    }
    return rows
  },

  growth: {
    axis: 'subscribers that come back at once',
    cost: 'ms until the slowest has what it missed',
    shape: 'linear',
    sizes: [100, 1000],
    async measure(context, size) {
      const scratch = await mkdtemp(join(context.scratch, 'storm-'))
      await using service = await startService({ dataDir: join(scratch, 'data') })
      return (await weather(size, await candidateSource(service, scratch, LOAD))).slowestMs
    },
  },
}

/** Where clients of today read, and where those of version 1 do: they send their folder, which is looked up. */
const DOORS = [
  [true, 'their conversation'],
  [false, 'their run, as version 1'],
] as const

const LOAD: Load = { count: RATE * SECONDS, rate: RATE, size: 300 }

async function weather(count: number, source: Source): Promise<Storm> {
  await using reader = startReader()
  await subscribe(reader, 'all', count, source)
  // One stays, to know how far the log has got.
  await subscribe(reader, 'witness', 1, source)
  await source.open()
  await reader.ask('wait', { group: 'all', last: source.ready + RATE / 2 })
  await reader.ask('drop', 'all')
  await sleep(AWAY_MS)
  const missed = await reader.ask('last', 'witness')
  const times = await reader.ask('comeBack', { group: 'all', last: missed })
  await reader.ask('wait', { group: 'all', last: source.end, closed: source.closes })
  return { slowestMs: Math.max(...times), medianMs: median(times) }
}
