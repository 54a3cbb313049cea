import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { startNginx } from '../baselines/nginx.ts'
import { alternate } from '../lib/alternate.ts'
import { atMost, type Context, type Part, ratioAtMost, type Row } from '../lib/part.ts'
import type { Helper } from '../lib/processes.ts'
import type { Reader } from '../lib/reader.ts'
import { getRequest, type Service, startService, streamRequest } from '../lib/service.ts'
import { median } from '../lib/stats.ts'
import { longStore, type MadeStore } from '../lib/stores.ts'
import { startReader } from '../lib/subscribers.ts'

/** What a client that comes back asks for. */
const TAIL = 100
const LINE_BYTES = 301
const REQUESTS = 100

/** The end of a long conversation. */
export const tail: Part = {
  name: 'tail',
  sentence: 'resume at the tail: `since` = 999,900 of 1,000,000, time to the last byte, a new connection each time',

  async run(context: Context) {
    const events = context.brief ? 20_000 : 1_000_000
    const store = await longStore(context, events)
    const scratch = await mkdtemp(join(context.scratch, 'tail-'))
    await using service = await startService({ dataDir: store.dataDir })
    await using nginx = await startNginx(scratch, { files: store.files })
    await using reader = startReader()
    const since = events - TAIL
    const range = getRequest('/events.ndjson', [`Range: bytes=${since * LINE_BYTES}-`, 'Connection: close'])
    const big = await alternate(
      context,
      () => ndjson(reader, service, 'big', since),
      () => ndjson(reader, service, 'small', 0),
    )
    const sse = await alternate(
      context,
      () => frames(reader, service, store, 'big', since),
      () => frames(reader, service, store, 'small', 0),
    )
    const against = `a conversation of ${TAIL} events`
    const what = `the last ${TAIL} of ${events.toLocaleString('en-GB')} events`
    const rows: Row[] = [
      { what: `${what}, NDJSON, p50`, unit: 'ms', candidate: big.a, target: atMost(1) },
      {
        what: `${what}, NDJSON, p50`,
        unit: 'ms',
        candidate: big.a,
        against,
        baseline: big.b,
        target: ratioAtMost(1.2),
      },
      { what: `${what}, SSE, p50`, unit: 'ms', candidate: sse.a, target: atMost(1) },
      { what: `${what}, SSE, p50`, unit: 'ms', candidate: sse.a, against, baseline: sse.b, target: ratioAtMost(1.2) },
    ]
    if (nginx === undefined) return rows
    const { a, b } = await alternate(
      context,
      () => ndjson(reader, service, 'big', since),
      () => times(reader, { port: nginx.port, request: range, check: 'lines', after: since }, events),
    )
    const reference = { what: `${what}, NDJSON, p50`, unit: 'ms', candidate: a }
    return [...rows, { ...reference, against: 'nginx, a range whose place is known', baseline: b }]
  },

  growth: {
    axis: 'events of a conversation, of which the last hundred are asked for',
    cost: 'ms to the last byte',
    shape: 'flat',
    sizes: [10_000, 100_000, 1_000_000],
    async measure(context, size) {
      const store = await longStore(context, size)
      await using service = await startService({ dataDir: store.dataDir })
      await using reader = startReader()
      return await ndjson(reader, service, 'big', size - TAIL)
    },
  },
}

function ndjson(reader: Helper<Reader>, { port }: Service, id: string, since: number): Promise<number> {
  const request = getRequest(`/v1/conversations/${id}/events?since=${since}`, ['Connection: close'])
  return times(reader, { port, request, check: 'lines', after: since }, since + TAIL)
}

function frames(
  reader: Helper<Reader>,
  { port }: Service,
  store: MadeStore,
  id: string,
  since: number,
): Promise<number> {
  const request = streamRequest({ conversation_id: id, cwd: store.cwdOf(id) }, since)
  return times(reader, { port, request, check: 'frames', after: since }, since + TAIL)
}

/** The median time to the last byte of many requests, one after the other. */
async function times(reader: Helper<Reader>, bulk: Parameters<Reader['bulk']>[0], last: number): Promise<number> {
  const all: number[] = []
  for (let n = 0; n < REQUESTS; n++) {
    const report = await reader.ask('bulk', bulk)
    if (report.last !== last) throw new Error(`the tail ended with event ${report.last} instead of ${last}`)
    all.push(report.lastByteMs)
  }
  return median(all)
}
