import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { alternate } from '../lib/alternate.ts'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { atMost, type Context, type Part, ratioAtLeast, ratioAtMost, type Row } from '../lib/part.ts'
import type { Helper } from '../lib/processes.ts'
import { untilQuiet } from '../lib/quiet.ts'
import type { Reader } from '../lib/reader.ts'
import { getRequest, type Service, startService } from '../lib/service.ts'
import { median } from '../lib/stats.ts'
import { deliver, type Source, startReader } from '../lib/subscribers.ts'

const CONVERSATIONS = 1000
/** Of all conversations together, a second. */
const PACE = 5000

/** Many conversations on one stream. */
export const feed: Part = {
  name: 'feed',
  sentence: '1,000 conversations on one stream, against the same read as 1,000 streams',

  async run(context: Context) {
    const count = Math.min(context.brief ? 50 : CONVERSATIONS, context.mostSockets)
    const scratch = await mkdtemp(join(context.scratch, 'feed-'))
    await using service = await startService({ dataDir: join(scratch, 'data') })
    await using reader = startReader()
    const paced: Load = { count: context.brief ? 10 : 25, rate: PACE / CONVERSATIONS, size: 300 }
    const most: Load = { count: context.brief ? 20 : 200, rate: 0, size: 300 }
    const who = `${count.toLocaleString('en-GB')} conversations`
    const against = `${who}, a stream each`
    const delay = await takeTurns(context, service, reader, { scratch, load: paced, count })
    const speed = await takeTurns(context, service, reader, { scratch, load: most, count })
    const rate = (report: { events: number; elapsedMs: number }) => (report.events * 1000) / report.elapsedMs
    const rows: Row[] = [
      {
        what: `${who} at 5,000 events/s: latency p50`,
        unit: 'ms',
        candidate: delay.a.map(({ p50Ms }) => p50Ms),
        against,
        baseline: delay.b.map(({ p50Ms }) => p50Ms),
        target: ratioAtMost(1),
      },
      {
        what: `${who} at 5,000 events/s: latency p99`,
        unit: 'ms',
        candidate: delay.a.map(({ p99Ms }) => p99Ms),
        against,
        baseline: delay.b.map(({ p99Ms }) => p99Ms),
        target: ratioAtMost(1),
      },
      {
        what: `${who}, as fast as it goes`,
        unit: '/s',
        candidate: speed.a.map(rate),
        against,
        baseline: speed.b.map(rate),
        target: ratioAtLeast(1),
      },
      {
        what: 'a page of 100 events out of the middle of that, once it is sealed',
        unit: 'ms',
        candidate: await pages(context, service, reader),
        target: atMost(10),
      },
    ]
    return rows
  },
}

interface Work {
  readonly scratch: string
  readonly load: Load
  readonly count: number
}

/** The same load over one stream, and over one for each conversation. */
function takeTurns(context: Context, service: Service, reader: Helper<Reader>, { scratch, load, count }: Work) {
  const measure = async (isOne: boolean) => {
    await untilQuiet(service.process.pid)
    const cursor = await head(service)
    const source = await manyRuns(service, scratch, load, count)
    return isOne ? deliver(reader, 1, together(source, cursor, count), 10) : deliver(reader, count, source, 10)
  }
  return alternate(
    context,
    () => measure(true),
    () => measure(false),
  )
}

/** Some at a time: a thousand connections at once take longer than whoever asks for them waits. */
async function manyRuns(service: Service, scratch: string, load: Load, count: number): Promise<Source> {
  const parts: Source[] = []
  for (let left = count; left > 0; left -= AT_ONCE)
    parts.push(await candidateSource(service, scratch, load, { runs: Math.min(left, AT_ONCE) }))
  const [first] = parts
  if (first === undefined) throw new Error('there are no conversations to read')
  return {
    ...first,
    requests: parts.flatMap(({ requests }) => requests),
    async open() {
      for (const part of parts) await part.open()
    },
  }
}

const AT_ONCE = 50

/** The runs of a source on one stream, which does not end with them. */
function together(source: Source, cursor: string, runs: number): Source {
  return {
    ...source,
    requests: [getRequest(`/v1/stream?since=${cursor}`)],
    numbering: 'count',
    ready: source.ready * runs,
    end: source.end * runs,
    closes: false,
  }
}

/** The cursor behind all that is stored. */
async function head({ url }: Service): Promise<string> {
  const leave = new AbortController()
  const { headers } = await fetch(`${url}/v1/stream?since=head`, { signal: leave.signal })
  leave.abort()
  return headers.get('x-proxy-last-event-id') ?? ''
}

/** One page after the other from where half of all has been passed. */
async function pages({ rounds }: Context, service: Service, reader: Helper<Reader>): Promise<number[]> {
  await untilQuiet(service.process.pid)
  let cursor = await middle(service)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const each: number[] = []
    for (let n = 0; n < 20; n++) {
      const request = getRequest(`/v1/history?since=${cursor}&limit=100`)
      const { lastByteMs } = await reader.ask('bulk', { port: service.port, request, check: 'bytes' })
      each.push(lastByteMs)
      cursor = (await page(service, cursor)).cursor
    }
    times.push(median(each))
  }
  return times
}

async function middle(service: Service): Promise<string> {
  const cursors: string[] = []
  for (let next = await page(service); next.has_more; next = await page(service, next.cursor)) cursors.push(next.cursor)
  return cursors[Math.floor(cursors.length / 2)] ?? ''
}

async function page({ url }: Service, since?: string): Promise<{ cursor: string; has_more: boolean }> {
  const answer = await fetch(`${url}/v1/history?limit=999${since === undefined ? '' : `&since=${since}`}`)
  return (await answer.json()) as { cursor: string; has_more: boolean }
}
