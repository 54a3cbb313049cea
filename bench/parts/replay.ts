import { mkdtemp, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Files } from '../baselines/files.ts'
import { startNginx } from '../baselines/nginx.ts'
import { alternate } from '../lib/alternate.ts'
import { atMost, type Context, type Part, ratioAtLeast } from '../lib/part.ts'
import { type Helper, startScript } from '../lib/processes.ts'
import type { Probe } from '../lib/probe-handlers.ts'
import type { Reader } from '../lib/reader.ts'
import type { Remote } from '../lib/rpc.ts'
import { getRequest, type Service, startService, streamRequest } from '../lib/service.ts'
import { longStore, type MadeStore } from '../lib/stores.ts'
import { startReader } from '../lib/subscribers.ts'

const MIB = 1024 * 1024

/** The whole of a long conversation. */
export const replay: Part = {
  name: 'replay',
  sentence: '1,000,000 events × 300 B over HTTP, against nginx serving the same bytes as a file',

  async run(context: Context) {
    const events = context.brief ? 20_000 : 1_000_000
    const store = await longStore(context, events)
    const scratch = await mkdtemp(join(context.scratch, 'replay-'))
    await using service = await startService({ dataDir: store.dataDir, collects: true })
    await using files = startScript<Files>(fileURLToPath(new URL('../baselines/files.ts', import.meta.url)))
    await using nginx = await startNginx(scratch, { files: store.files })
    await using reader = startReader()
    const filesPort = await files.ask('listen', store.files)
    const filePort = nginx?.port ?? filesPort
    const ours = requests(store)
    const theirs = {
      ndjson: getRequest('/events.ndjson', ['Connection: close']),
      sse: getRequest('/events.sse', ['Connection: close']),
    }

    await checkWhole(reader, service, store, events)
    const speed = async (form: 'ndjson' | 'sse') => {
      const { size } = await stat(join(store.files, `events.${form}`))
      const { a, b } = await alternate(
        context,
        () => megabytesPerSecond(reader, service.port, ours[form], size),
        () => megabytesPerSecond(reader, filePort, theirs[form], size),
      )
      return { unit: 'MB/s', candidate: a, against: nginx ? 'nginx' : 'createReadStream', baseline: b }
    }
    const [ndjson, sse] = [await speed('ndjson'), await speed('sse')]
    const watchOurs = () => watched(service.process, () => bothForms(reader, service.port, ours))
    const watchTheirs = () => watched(files, () => bothForms(reader, filesPort, theirs))
    const { a, b } = await alternate(context, watchOurs, watchTheirs)
    const note = nginx ? undefined : 'nginx is not installed here: its place is taken by a createReadStream server'
    return [
      { what: 'replay as NDJSON', ...ndjson, target: ratioAtLeast(0.85) },
      { what: 'replay as SSE', ...sse, target: ratioAtLeast(0.4), ...(note !== undefined && { note }) },
      {
        what: 'the longest that our own work kept the event loop meanwhile',
        unit: 'ms',
        candidate: a.map(({ heldMs }) => heldMs),
        against: 'createReadStream',
        baseline: b.map(({ heldMs }) => heldMs),
        target: atMost(5),
      },
      {
        what: 'the event loop meanwhile, longest delay, others’ work included',
        unit: 'ms',
        candidate: a.map(({ loopMs }) => loopMs),
        against: 'createReadStream',
        baseline: b.map(({ loopMs }) => loopMs),
      },
      {
        what: 'growth of the server’s memory meanwhile',
        unit: 'MiB',
        candidate: a.map(({ grownMib }) => grownMib),
        target: atMost(64),
      },
    ]
  },

  growth: {
    axis: 'events of a conversation',
    cost: 'seconds to replay them as NDJSON',
    shape: 'linear',
    sizes: [10_000, 100_000, 1_000_000],
    async measure(context, size) {
      const store = await longStore(context, size)
      await using service = await startService({ dataDir: store.dataDir })
      await using reader = startReader()
      const bulk = { port: service.port, request: requests(store).ndjson, check: 'bytes' as const }
      await reader.ask('bulk', bulk)
      return (await reader.ask('bulk', bulk)).lastByteMs / 1000
    },
  },
}

function requests(store: MadeStore): { ndjson: string; sse: string } {
  return {
    ndjson: getRequest('/v1/conversations/big/events?since=0', ['Connection: close']),
    sse: streamRequest({ conversation_id: 'big', cwd: store.cwdOf('big') }, 0),
  }
}

/** Not timed: every line and every frame is looked at. The timed ones are then held against the files' lengths. */
async function checkWhole(reader: Helper<Reader>, { port }: Service, store: MadeStore, events: number): Promise<void> {
  const { ndjson, sse } = requests(store)
  const lines = await reader.ask('bulk', { port, request: ndjson, check: 'lines' })
  const frames = await reader.ask('bulk', { port, request: sse, check: 'frames' })
  if (lines.last !== events || frames.last !== events)
    throw new Error(`a replay of ${events} events had ${lines.last} lines and ${frames.last} frames`)
}

async function megabytesPerSecond(
  reader: Helper<Reader>,
  port: number,
  request: string,
  expected: number,
): Promise<number> {
  const { status, bytes, lastByteMs } = await reader.ask('bulk', { port, request, check: 'bytes' })
  if (status !== 200 || bytes !== expected)
    throw new Error(`a replay of ${expected} bytes had ${bytes}, with status ${status}`)
  return bytes / 1000 / lastByteMs
}

async function bothForms(reader: Helper<Reader>, port: number, { ndjson, sse }: { ndjson: string; sse: string }) {
  await reader.ask('bulk', { port, request: ndjson, check: 'bytes' })
  await reader.ask('bulk', { port, request: sse, check: 'bytes' })
}

async function watched(probed: Remote<Probe>, work: () => Promise<void>) {
  const before = await probed.ask('memory')
  await probed.ask('watch', { loop: true })
  await work()
  const { heldMaxMs, loopMaxMs, peak } = await probed.ask('watched')
  return { heldMs: heldMaxMs, loopMs: loopMaxMs, grownMib: (peak.ownBytes - before.ownBytes) / MIB }
}
