import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { tellOne } from '../lib/song.ts'
import type { Subjects } from '../lib/generate.ts'
import { openLedger } from '../lib/ledger.ts'
import { megabytesOf, mostOpenFiles } from '../lib/memory.ts'
import type { Part } from '../lib/part.ts'
import { startProgram } from '../lib/program.ts'
import { MOST_BYTES } from '../lib/requests.ts'
import { drip } from '../lib/slow.ts'
import { alone, crowd, malformed, mixed, type Range, torn } from '../lib/volleys.ts'

/** How much more memory the service may have at the end than after the warm-up. */
const MOST_GROWTH_MB = 200
/** Node gives up on slow headers after 60 s and on slow bodies after 300 s, and looks every 30 s. */
const SLOW_HEADERS_MS = 60_000 + 30_000 + 15_000
const SLOW_BODIES_MS = 300_000 + 30_000 + 15_000

interface Sizes {
  readonly alone: number
  readonly mixed: number
  readonly malformed: number
  readonly torn: number
  readonly crowd: number
}

const BRIEF: Sizes = { alone: 700, mixed: 1800, malformed: 500, torn: 60, crowd: 500 }
const LONG: Sizes = { alone: 20_000, mixed: 70_000, malformed: 15_000, torn: 1500, crowd: 10_000 }

export const fuzz: Part = {
  name: 'fuzz',
  sentence:
    'whatever is sent to whichever door, the service answers in its one shape or closes, changes nothing it refuses, and works on',
  async run(context) {
    const { brief, scratch, say } = context
    const sizes = brief ? BRIEF : LONG
    const dataDir = join(scratch, 'data')
    const work = join(scratch, 'work')
    const subjects = await makeSubjects(work)
    const flags = ['--allowed-roots', work, '--trusted-roots', join(work, 'trusted'), '--permission-seconds', '1']
    await using program = await startProgram({ dataDir, flags: [...flags, '--max-body-bytes', String(MOST_BYTES)] })
    using ledger = openLedger(dataDir)
    const port = Number(new URL(program.base).port)
    const range: Range = { program, port, subjects, ledger, context, statuses: new Map() }
    const canary = join(work, 'canary')
    await mkdir(canary)
    const isWell = async (after: string) => {
      context.signal.throwIfAborted()
      if (program.stderr !== '') throw new Error(`after ${after} the log says: ${program.stderr.slice(0, 3000)}`)
      await tellOne(program.base, canary)
    }

    const began = performance.now()
    await isWell('the start')
    const headers = drip(port, { count: 50, start: 'GET /healthz HTTP/1.1\r\nX: ', drop: 'x', everyMs: 500 })
    const start = `POST /v1/agent/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{"x":"`
    const bodies = drip(port, { count: 50, start, drop: 'y', everyMs: 500 })
    using _ = { [Symbol.dispose]: () => [headers, bodies].forEach((each) => each.stop()) }
    const dripping = performance.now()

    await mixed(range, Math.ceil(sizes.mixed * 0.3))
    await isWell('the warm-up')
    say(`warm-up: ${Math.round(performance.now() - began)} ms`)
    const warm = megabytesOf(program.pid)
    const lines: string[] = []
    const steps = [
      ['requests one by one, of which no refused one changed anything', sizes.alone, alone],
      ['requests pipelined over many connections', sizes.mixed - Math.ceil(sizes.mixed * 0.3), mixed],
      ['connections with what is no HTTP', sizes.malformed, malformed],
      ['connections torn in the middle', sizes.torn, torn],
      ['connections at once', Math.min(sizes.crowd, mostOpenFiles() - 1000), crowd],
    ] as const
    for (const [what, count, step] of steps) {
      const begin = performance.now()
      await step(range, count)
      await isWell(what)
      const ms = Math.round(performance.now() - begin)
      say(`${count} ${what}: ${ms} ms, ${megabytesOf(program.pid)} MB`)
      lines.push(`${count} ${what}`)
    }
    if (!brief) {
      say('waiting for the service to give up on those that are slow')
      await headers.givenUp(SLOW_HEADERS_MS - (performance.now() - dripping))
      await bodies.givenUp(SLOW_BODIES_MS - (performance.now() - dripping))
      lines.push(
        `given up on slow headers with ${tally(headers.statuses())}, on slow bodies with ${tally(bodies.statuses())}`,
      )
      await isWell('the slow ones')
    }
    const growth = megabytesOf(program.pid) - warm
    if (growth > MOST_GROWTH_MB) throw new Error(`the service has grown by ${growth} MB after its warm-up`)
    const answers = [...range.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
    return [
      ...lines,
      `answers: ${answers.join(', ')}`,
      `memory: ${warm} MB after the warm-up, ${growth} MB more at the end`,
    ]
  },
}

async function makeSubjects(work: string): Promise<Subjects> {
  const names = ['a', 'b', 'c', 'd', 'e', 'trusted', 'ünï cödé', "it's+&%", 'network-timeout']
  // Most of the time nobody has asked for these yet: what is refused may not make a conversation for them.
  const fresh = Array.from({ length: 300 }, (_, n) => `fresh-${n}`)
  for (const name of [...names, ...fresh]) await mkdir(join(work, name), { recursive: true })
  const folders = names.map((name) => join(work, name))
  const odd = [`${work}/a/../b`, `${work}/a//`, `${work}/missing`, '/', '~', '/proc/self/cwd', '/dev/null', 'relative']
  return {
    folders: [...folders, ...folders, ...odd],
    fresh: fresh.map((name) => join(work, name)),
    ids: ['one', 'two', 'three', '0-._', 'X'.repeat(128)],
  }
}

function tally(statuses: readonly number[]): string {
  return (
    [...new Set(statuses)]
      .map((each) => `${each} (${statuses.filter((status) => status === each).length})`)
      .join(', ') || 'a close'
  )
}
