import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { lookInside, openFiles, PROBE } from '../lib/inside.ts'
import { listen } from '../lib/listener.ts'
import type { Context, Part } from '../lib/part.ts'
import { type Program, startProgram } from '../lib/program.ts'
import { badWeather, openProxy } from '../lib/proxy.ts'
import type { Random } from '../lib/random.ts'
import { checkLoad, checkSame, linesOf } from '../lib/truth.ts'
import { until } from '../lib/until.ts'
import { type Body, readSse } from '../lib/wire.ts'

/** What the service may hold more than before, when all readers are gone: caches fill, code is compiled. */
const SLACK_BYTES = 12 * 1024 * 1024

/** What a thread of the store opens for itself: database, log, its loop. */
const THREAD_FILES = 16

/** The whole wire through a bad line: cut, slow, reset, split and half open. */
export const readers: Part = {
  name: 'readers',
  sentence: 'readers of live and finished runs through a line that breaks all the time get every event once, in order',

  async run({ brief, random, signal, scratch, say }: Context) {
    await using program = await startProgram({ dataDir: join(scratch, 'data'), env: PROBE })
    const sum = { readers: 0, connections: 0, cut: 0, events: 0 }
    const endAt = performance.now() + (brief ? 1000 : 150_000)
    const round = async (n: number) => {
      const done = await oneRound(program, scratch, `round-${n}`, random.fork(), brief)
      for (const key of ['readers', 'connections', 'cut', 'events'] as const) sum[key] += done[key]
    }
    // The first one loads and compiles what is needed.
    await round(0)
    const before = await settle(program)
    const files = openFiles(program.pid)
    let rounds = 1
    do {
      signal.throwIfAborted()
      await round(rounds++)
      say(`${sum.connections} connections, ${sum.cut} of them cut`)
    } while (performance.now() < endAt)
    let after = await settle(program)
    // Files besides sockets: a thread that starts later has its own.
    const added = () => openFiles(program.pid).length - files.length
    await until('all connections are closed', () => sockets(openFiles(program.pid)) <= sockets(files), 10_000)
    if (added() > THREAD_FILES) throw new Error(`${added()} more files are open: ${openFiles(program.pid).join(' ')}`)
    await until(
      `the service has let go of its readers (${JSON.stringify({ before, after })})`,
      async () => {
        after = await lookInside(program)
        return after.responses <= before.responses && after.sockets <= before.sockets
      },
      10_000,
      500,
    )
    const grown = after.heldBytes - before.heldBytes
    if (grown > SLACK_BYTES) throw new Error(`the service holds ${mib(grown)} more than before its readers came`)
    return [
      `${sum.readers} readers over ${sum.connections} connections, of which ${sum.cut} were cut: ${sum.events} events, each once and in order`,
      `afterwards: ${openFiles(program.pid).length} open files (before: ${files.length}), ${after.responses} responses (${before.responses}), ${after.sockets} sockets (${before.sockets}), ${mib(grown)} more held`,
    ]
  },
}

/** One live run, one that has ended and a short one, each with readers of every kind on a bad line. */
async function oneRound(program: Program, scratch: string, name: string, random: Random, brief: boolean) {
  const count = brief ? 900 : random.int(1500, 5000)
  // Long enough that its readers come back while it goes on.
  const rate = brief ? 300 : random.int(300, 1000)
  const size = random.pick([250, 400, 1500])
  const live = await newBody(scratch, `${name}-live`, `@load n=${count} rate=${rate} size=${size}`)
  const old = await newBody(scratch, `${name}-old`, `@load n=${count} rate=0 size=${size}`)
  const short = await newBody(scratch, `${name}-short`, `@load n=40 rate=0 size=250`)
  for (const body of [old, short]) await start(program.base, body, (data) => data.startsWith('{"type":"result"'))
  await start(program.base, live, () => true)

  const usual = random.fork()
  await using bad = await openProxy(program.base, badWeather(usual, 60_000))
  // Every few hundred bytes: hardly an event comes through at once.
  const drops = random.fork()
  await using dripping = await openProxy(program.base, () => ({
    pieceBytes: drops.int(1, 200),
    pauseMs: 0,
    end: { afterBytes: drops.int(500, 2500), how: drops.pick(['fin', 'reset']) },
  }))
  // No word of an end: only the silence tells.
  const quiet = random.fork()
  await using stalling = await openProxy(program.base, () => ({
    pieceBytes: 1460,
    pauseMs: 0,
    end: { afterBytes: quiet.int(count * size * 0.2, count * size * 0.6), how: 'stall' },
  }))
  const each = brief ? 2 : 4
  const kinds = ['sse', 'ndjson', 'gzip'] as const
  const readings = [live, old].flatMap((body) =>
    kinds.flatMap((as) => Array.from({ length: each }, () => ({ body, as, base: bad.base }))),
  )
  readings.push(...kinds.map((as) => ({ body: short, as, base: dripping.base })).filter(({ as }) => as !== 'gzip'))
  readings.push({ body: old, as: 'sse', base: stalling.base }, { body: live, as: 'sse', base: stalling.base })
  const listened = await Promise.all(
    readings.map(async ({ body, as, base }) => {
      const { seen, connections } = await listen({ base, body, as, silenceMs: brief ? 700 : 1500 })
      return { body, as, seen, connections }
    }),
  )
  const truths = new Map<string, readonly string[]>()
  for (const body of [live, old, short]) {
    const lines = await linesOf(program.base, body.conversation_id)
    checkLoad(body.conversation_id, lines, body === short ? 40 : count)
    truths.set(body.conversation_id, lines)
  }
  for (const { body, as, seen } of listened) {
    const truth = truths.get(body.conversation_id) ?? []
    checkSame(`a reader (${as}) of ${body.conversation_id}`, seen, truth)
    if (seen.length !== truth.length) throw new Error(`a reader (${as}) got ${seen.length} of ${truth.length} events`)
  }
  return {
    readers: listened.length,
    connections: listened.reduce((all, { connections }) => all + connections, 0),
    cut: bad.cut + dripping.cut + stalling.cut,
    events: listened.reduce((all, { seen }) => all + seen.length, 0),
  }
}

/** Starts a run on a good line and leaves when `enough`. */
async function start(base: string, body: Body, enough: (data: string) => boolean): Promise<void> {
  const leave = new AbortController()
  const heard = await readSse(base, body, 0, (_, data) => enough(data) && leave.abort(), { signal: leave.signal })
  if (heard.status !== 200 && !leave.signal.aborted) throw new Error(`${heard.status}: ${heard.text}`)
}

async function newBody(scratch: string, conversation_id: string, text: string): Promise<Body> {
  const cwd = join(scratch, 'work', conversation_id)
  await mkdir(cwd, { recursive: true })
  return { conversation_id, cwd, text }
}

/** What is alive in the service when the dust has settled. */
async function settle(program: Program) {
  await lookInside(program)
  return lookInside(program)
}

function sockets(files: readonly string[]): number {
  return files.filter((file) => file.startsWith('socket:')).length
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
