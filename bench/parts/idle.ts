import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { startLoop } from '../baselines/loop-source.ts'
import { alternate } from '../lib/alternate.ts'
import { type Context, type Part, ratioAtMost } from '../lib/part.ts'
import type { Memory } from '../lib/probe-handlers.ts'
import { startService, streamRequest } from '../lib/service.ts'
import { type Source, startReader, subscribe } from '../lib/subscribers.ts'

const KIB = 1024

/** What it costs to be watched while nothing happens. */
export const idle: Part = {
  name: 'idle',
  sentence: '5,000 subscribers to whom nothing happens: memory of the server for each',

  async run(context: Context) {
    const count = Math.min(context.brief ? 200 : 5000, context.mostSockets)
    const { a, b } = await alternate(
      context,
      () => candidate(context, count),
      () => bare(count),
    )
    return [
      {
        what: `memory for each of ${count.toLocaleString('en-GB')} idle subscribers (resident, own)`,
        unit: 'KiB',
        candidate: a.map((bytes) => bytes / KIB),
        against: 'bare node:http',
        baseline: b.map((bytes) => bytes / KIB),
        target: ratioAtMost(1.1),
      },
    ]
  },

  growth: {
    axis: 'idle subscribers',
    cost: 'MiB of the server for all of them',
    shape: 'linear',
    sizes: [500, 5000],
    measure: async (context, size) => ((await candidate(context, size)) * size) / KIB / KIB,
  },
}

async function candidate(context: Context, count: number): Promise<number> {
  const scratch = await mkdtemp(join(context.scratch, 'idle-'))
  const cwd = join(scratch, 'work')
  await mkdir(cwd)
  await using service = await startService({ dataDir: join(scratch, 'data'), collects: true })
  const response = await fetch(`${service.url}/v1/agent/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ conversation_id: 'idle', cwd, text: '@hang' }),
  })
  await response.body?.cancel()
  const request = streamRequest({ conversation_id: 'idle', cwd }, '{last}')
  // Prompt and init.
  return await grown(count, { port: service.port, requests: [request], ready: 2 }, () => service.process.ask('memory'))
}

async function bare(count: number): Promise<number> {
  await using loop = await startLoop({ collects: true })
  const source = await loop.source({ count: 0, rate: 1, size: 0 })
  return await grown(count, source, () => loop.process.ask('memory'))
}

/** Bytes that each of `count` subscribers adds. */
async function grown(
  count: number,
  source: Pick<Source, 'port' | 'requests' | 'ready'>,
  memory: () => Promise<Memory>,
): Promise<number> {
  await using reader = startReader()
  const whole = { ...source, stampOriginUs: 0, end: 0, closes: false, open: async () => {} }
  // The first ones bring in code that later ones share.
  await subscribe(reader, 'first', 10, whole)
  const before = await memory()
  await subscribe(reader, 'all', count, whole)
  const after = await memory()
  return (after.ownBytes - before.ownBytes) / count
}
