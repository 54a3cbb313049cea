import { mkdtemp, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { openSqliteStore } from '../../packages/server/src/store/sqlite/store.ts'
import { gatedRun, type GatedRun } from '../lib/gate.ts'
import type { Load } from '../lib/load.ts'
import { atMost, type Context, type Part } from '../lib/part.ts'
import type { Helper } from '../lib/processes.ts'
import type { Reader } from '../lib/reader.ts'
import { getRequest, type Service, startService } from '../lib/service.ts'
import { startReader, subscribe } from '../lib/subscribers.ts'

interface OnDisk {
  /** Bytes on disk of the log per byte of event, the service at rest. */
  readonly atRest: number
  /** The same when it has stopped. */
  readonly stopped: number
  /** Those of the search index then. */
  readonly index: number
  /** At rest after half of the conversations were deleted, per byte of what is left. */
  readonly halved: number
}

/** What is left on the disk of conversations that ran at the same time. */
export const disk: Part = {
  name: 'disk',
  sentence: 'bytes on disk per byte of event, after sealing, of conversations that were written at the same time',

  async run(context: Context) {
    const figures: OnDisk[] = []
    for (let round = 0; round < Math.min(context.rounds, 3); round++)
      figures.push(await measure(context, context.brief ? 10_000 : 100_000))
    const row = { unit: 'B/B', target: atMost(1.1) }
    return [
      {
        what: 'the log on disk per byte of event, the service at rest',
        candidate: figures.map((f) => f.atRest),
        ...row,
      },
      {
        what: 'the log on disk per byte of event, the service stopped',
        candidate: figures.map((f) => f.stopped),
        ...row,
      },
      {
        what: 'the log on disk after half of the conversations were deleted, per byte of what is left',
        candidate: figures.map((f) => f.halved),
        ...row,
      },
      { what: 'the search index beside it, the service stopped', unit: 'B/B', candidate: figures.map((f) => f.index) },
    ]
  },

  growth: {
    axis: 'events in 20 conversations',
    cost: 'bytes on disk per byte of event',
    shape: 'flat',
    sizes: [10_000, 100_000],
    measure: async (context, size) => (await measure(context, size)).stopped,
  },
}

const CONVERSATIONS = 20

async function measure(context: Context, events: number): Promise<OnDisk> {
  context.signal.throwIfAborted()
  const scratch = await mkdtemp(join(context.scratch, 'disk-'))
  const dataDir = join(scratch, 'data')
  await using reader = startReader()
  let atRest = 0
  const sizes = new Map<string, number>()
  {
    await using service = await startService({ dataDir })
    // Slow enough that a commit holds few events of each, as with real agents.
    const load: Load = { count: events / CONVERSATIONS, rate: 1000, size: 300 }
    const runs = await Promise.all(Array.from({ length: CONVERSATIONS }, () => gatedRun(service, scratch, load)))
    await play(service, reader, runs)
    await untilAtRest(service)
    for (const run of runs) sizes.set(run.conversation, await eventBytes(service, reader, run))
    atRest = (await allocated(dataDir, DATABASE)) / sum(sizes.values())
  }
  const stopped = (await allocated(dataDir, DATABASE)) / sum(sizes.values())
  const index = (await allocated(dataDir, INDEX)) / sum(sizes.values())
  return { atRest, stopped, index, halved: await deleteHalf(dataDir, sizes) }
}

/** Deletes every second conversation at the store itself: no request does it. */
async function deleteHalf(dataDir: string, sizes: ReadonlyMap<string, number>): Promise<number> {
  const store = await openSqliteStore({ dataDir, log: { info() {}, warn() {}, error() {} } })
  try {
    const deleted = [...sizes.keys()].filter((_, n) => n % 2 === 0)
    for (const id of deleted) await store.deleteConversation(id as ConversationId)
    const left = sum([...sizes].filter(([id]) => !deleted.includes(id)).map(([, size]) => size))
    return (await settledSize(dataDir)) / left
  } finally {
    await store.close()
  }
}

const DATABASE = /^claude-proxy\.db/
const INDEX = /^search\.db/

/** What the database takes once that has stayed the same for a second. */
async function settledSize(folder: string): Promise<number> {
  let size = await allocated(folder, DATABASE)
  for (let same = 0, waited = 0; same < 4 && waited < 240; waited++) {
    await sleep(250)
    const now = await allocated(folder, DATABASE)
    same = now === size ? same + 1 : 0
    size = now
  }
  return size
}

async function play(service: Service, reader: Helper<Reader>, runs: readonly GatedRun[]): Promise<void> {
  const [{ ready, end } = { ready: 0, end: 0 }] = runs
  const requests = runs.map(({ request }) => request)
  const open = async () => {
    await Promise.all(runs.map((run) => run.open()))
  }
  const source = { port: service.port, requests, stampOriginUs: 0, ready, end, closes: true, open }
  await subscribe(reader, 'all', runs.length, source)
  await source.open()
  await reader.ask('wait', { group: 'all', last: end, closed: true })
}

async function eventBytes({ port }: Service, reader: Helper<Reader>, { conversation }: GatedRun): Promise<number> {
  const request = getRequest(`/v1/conversations/${conversation}/events`, ['Connection: close'])
  return (await reader.ask('bulk', { port, request, check: 'bytes' })).bytes
}

/** Waits until the service has nothing more to do: it seals in the background. */
async function untilAtRest(service: Service): Promise<void> {
  for (let waited = 0; waited < 60; waited++) {
    await service.process.ask('watch', { loop: false })
    await sleep(500)
    const { cpuMs } = await service.process.ask('watched')
    if (cpuMs < 10) return
  }
  throw new Error('the service did not come to rest within half a minute')
}

/** What the disk gives these files of a folder, in bytes. */
async function allocated(folder: string, which: RegExp): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && which.test(entry.name))
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).blocks * 512),
  )
  return sum(sizes)
}

function sum(values: Iterable<number>): number {
  return Iterator.from(values).reduce((total, value) => total + value, 0)
}
