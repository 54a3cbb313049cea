import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchBulk } from '../lib/bulk.ts'
import { type Context, type Part, ratioAtMost } from '../lib/part.ts'
import { runToEnd, start } from '../lib/processes.ts'
import { getRequest, LISTENING, MAIN, NODE_FLAGS, serviceArguments } from '../lib/service.ts'
import { wideStore } from '../lib/stores.ts'

/** How soon the service is there again. */
export const serviceStart: Part = {
  name: 'service-start',
  sentence: '10,000 conversations × 1,000 events on disk: process start → `/healthz` answers',

  async run(context: Context) {
    const store = await wideStore(context, context.brief ? 20 : 10_000)
    const empty = await mkdtemp(join(context.scratch, 'start-'))
    const measures = {
      full: () => untilHealthy(store.dataDir),
      empty: () => untilHealthy(join(empty, 'data')),
      bare: () => untilAnswered([BARE, join(empty, 'bare.db')]),
      node: untilNothing,
    }
    const figures: Record<keyof typeof measures, number[]> = { full: [], empty: [], bare: [], node: [] }
    const names = ['full', 'empty', 'bare', 'node'] as const
    // The first ones bring files into the system's memory.
    for (const name of names) await measures[name]()
    for (let round = 0; round < context.rounds; round++) {
      context.signal.throwIfAborted()
      for (const name of round % 2 === 0 ? names : names.toReversed()) figures[name].push(await measures[name]())
    }
    const what = `start with ${store.count.toLocaleString('en-GB')} conversations until /healthz answers`
    const row = { what, unit: 'ms', candidate: figures.full, ...(store.note !== undefined && { note: store.note }) }
    return [
      { ...row, against: 'an empty data directory', baseline: figures.empty, target: ratioAtMost(1.2) },
      { ...row, against: 'node -e 0', baseline: figures.node, target: ratioAtMost(2.5) },
      { ...row, against: 'bare node:http, with SQLite in a thread', baseline: figures.bare },
      {
        what: 'bare node:http, with SQLite in a thread, until it answers',
        unit: 'ms',
        candidate: figures.bare,
        against: 'node -e 0',
        baseline: figures.node,
      },
    ]
  },

  growth: {
    axis: 'conversations of 1,000 events on disk',
    cost: 'ms until /healthz answers',
    shape: 'flat',
    sizes: [100, 1000, 10_000],
    async measure(context, size) {
      const { dataDir } = await wideStore(context, size)
      await untilHealthy(dataDir)
      return Math.min(await untilHealthy(dataDir), await untilHealthy(dataDir), await untilHealthy(dataDir))
    },
  },
}

function untilHealthy(dataDir: string): Promise<number> {
  return untilAnswered([...NODE_FLAGS, MAIN, ...serviceArguments({ dataDir })])
}

/** Milliseconds from the start of the process until it has answered. No probe is in it. */
async function untilAnswered(args: readonly string[]): Promise<number> {
  const begun = performance.now()
  await using service = start(process.execPath, args)
  const [, , port] = await service.line(LISTENING)
  const { status } = await fetchBulk({ port: Number(port), request: HEALTH, check: 'bytes' })
  const ms = performance.now() - begun
  if (status !== 200) throw new Error(`/healthz answered ${status}`)
  return ms
}

const BARE = fileURLToPath(new URL('../baselines/bare-service.js', import.meta.url))
const HEALTH = getRequest('/healthz', ['Connection: close'])

async function untilNothing(): Promise<number> {
  const begun = performance.now()
  await runToEnd(process.execPath, ['-e', '0'])
  return performance.now() - begun
}
