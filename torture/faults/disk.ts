import { mkdir } from 'node:fs/promises'
import { chmodSync, chownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { canMount, limitFiles, mountSmallDisk } from '../lib/disk.ts'
import type { Fault } from '../lib/fault.ts'
import type { Context } from '../lib/part.ts'
import { launch, type Program, startProgram } from '../lib/program.ts'
import { checkWell, type Sent, send, tell } from '../lib/prompts.ts'
import { checkLoad, checkSame, isResult, linesOf, runsOf } from '../lib/truth.ts'
import { until, within } from '../lib/until.ts'
import { ask } from '../lib/wire.ts'

const MIB = 1024 * 1024
/** How long it may take until all is well after the fault. */
const WELL_MS = 30_000

/** Something that keeps the service from writing, until it is taken away. */
interface Squeeze {
  readonly begin: () => void
  readonly end: () => void
}

export const diskFaults: readonly Fault[] = [
  {
    name: 'a disk that is full at some byte, again and again',
    brief: 'always',
    async run(context) {
      if (!canMount()) return fullAgainAndAgain(context, context.scratch, (program) => fileLimit(context, program))
      using disk = mountSmallDisk(join(context.scratch, 'disk'), 64 * MIB)
      return await fullAgainAndAgain(context, disk.path, () => ({
        begin: () => disk.fill(context.random.int(0, 400_000)),
        end: () => disk.clear(),
      }))
    },
  },
  {
    name: 'files that cannot grow beyond some byte, again and again',
    brief: 'sometimes',
    run: (context) => fullAgainAndAgain(context, context.scratch, (program) => fileLimit(context, program)),
  },
  {
    name: 'no write at all goes through during work',
    brief: 'sometimes',
    run: (context) =>
      fullAgainAndAgain(context, context.scratch, ({ pid }) => ({
        begin: () => limitFiles(pid, 0),
        end: () => limitFiles(pid, 'unlimited'),
      })),
  },
  {
    name: 'a start on a full disk after a crash',
    brief: 'sometimes',
    skipped: () => (canMount() ? undefined : 'only root can mount a small disk'),
    async run(context) {
      using disk = mountSmallDisk(join(context.scratch, 'disk'), 64 * MIB)
      return await startOnFullDisk(context, disk)
    },
  },
  {
    name: 'a data directory that cannot be written at the start',
    brief: 'sometimes',
    skipped: () => (canMount() ? undefined : 'only root can become somebody who may not write'),
    run: readOnlyStart,
  },
]

function fileLimit({ random }: Context, { pid }: Program): Squeeze {
  return {
    begin: () => limitFiles(pid, random.int(0, 3 * MIB)),
    end: () => limitFiles(pid, 'unlimited'),
  }
}

/** Load, and no room in the middle of it; then room again. Nothing that a client has seen may be missing. */
async function fullAgainAndAgain(
  context: Context,
  root: string,
  squeezeOf: (program: Program) => Squeeze,
): Promise<string> {
  const { brief, scratch, random, signal } = context
  const dataDir = join(root, 'data')
  const sent: Sent[] = []
  const rounds = brief ? 2 : 10
  const sum = { accepted: 0, refused: 0, interrupted: 0 }
  {
    await using program = await startProgram({ dataDir })
    const squeeze = squeezeOf(program)
    const { base } = program
    await checkWell(base, scratch, 'well')
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted()
      const mine: Sent[] = []
      const begin = async (n: number) => {
        const settings = `@load n=${random.int(300, 900)} rate=${random.pick([0, 3000])} size=${random.pick([300, 2000])}`
        mine.push(await send(base, scratch, `full-${round}-${n}`, settings))
      }
      for (const n of [0, 1]) await begin(n)
      await until('both work', () => mine.every(({ seen }) => seen.length > 2), WELL_MS)
      const complaints = program.stderr.length
      squeeze.begin()
      for (const n of [2, 3, 4]) await begin(n)
      // A run that was over before is no witness: somebody has to be refused, or to complain.
      await until(
        'the full disk is noticed',
        async () => {
          if (program.stderr.length > complaints) return true
          mine.push(await send(base, scratch, `full-${round}-${mine.length}`, '@load n=2000 rate=0 size=2000'))
          return false
        },
        WELL_MS,
        100,
      )
      // What is stored can be read all the while.
      if ((await ask(`${base}/healthz`)).status !== 200) throw new Error('no answer while the disk is full')
      runsOf('well', await linesOf(base, 'well'))
      squeeze.end()
      for (const each of mine) {
        const heard = await within(`${each.body.conversation_id} is told how it ended`, WELL_MS, each.heard)
        const isTold = heard.status === 200 && isResult(each.seen.at(-1)?.data)
        if (!isTold && heard.status !== 503)
          throw new Error(
            `${each.body.conversation_id}: ${heard.status} ${heard.text} after event ${each.seen.at(-1)?.id}`,
          )
        if (isTold) sum.accepted++
        else sum.refused++
      }
      await within('the service is well again', WELL_MS, checkWell(base, scratch, 'well'))
      sent.push(...mine)
    }
    await checkAll(base, sent)
    await program.kill()
  }
  await using again = await startProgram({ dataDir })
  sum.interrupted = await checkAll(again.base, sent)
  return `${rounds} times full: ${sum.accepted} prompts were accepted, ${sum.interrupted} of them stopped, ${sum.refused} refused; nothing that was seen is missing after a kill -9`
}

/** Throws unless every prompt that was accepted has one run, and all that was seen is there. Resolves to how many failed. */
async function checkAll(base: string, sent: readonly Sent[]): Promise<number> {
  let failed = 0
  for (const { body, seen, heard } of sent) {
    const { status, text } = await heard
    if (status !== 200) {
      const { status: known } = await ask(`${base}/v1/conversations/${body.conversation_id}/events?since=0`)
      if (known === 404) continue
      throw new Error(
        `${body.conversation_id} was refused with ${status} and is there all the same (${known}): ${text}`,
      )
    }
    const lines = await linesOf(base, body.conversation_id)
    checkSame(body.conversation_id, seen, lines)
    const runs = runsOf(body.conversation_id, lines)
    if (runs.length !== 1) throw new Error(`${body.conversation_id} has ${runs.length} runs`)
    const isCut = runs[0]?.result.is_error ?? false
    // A gap would be numbered as if nothing had been there.
    checkLoad(body.conversation_id, lines, Number(/n=(\d+)/.exec(body.text ?? '')?.[1]), isCut)
    if (isCut) failed++
  }
  return failed
}

async function startOnFullDisk({ scratch, random }: Context, disk: ReturnType<typeof mountSmallDisk>): Promise<string> {
  const dataDir = join(disk.path, 'data')
  const first = await startProgram({ dataDir })
  const cut = await send(first.base, scratch, 'cut', '@load n=10 rate=0 size=300 @hang')
  await until('the run works', () => cut.seen.length >= 12, 10_000)
  await first.kill()
  disk.fill(random.pick([0, 4096, 20_000]))
  const second = await launch({ dataDir })
  const base = await within('the start is decided', 20_000, second.listening)
  try {
    if (base === undefined) {
      await second.exit
      if (!/disk|space|database|full/i.test(second.stderr)) throw new Error(`it ends without a word: ${second.stderr}`)
      disk.clear()
      await using third = await startProgram({ dataDir })
      await checkFreed(third.base, cut, scratch)
      return 'the start is refused in words; with room, the run that was cut off is closed'
    }
    await until('the full disk is told', () => second.stderr !== '', 10_000)
    disk.clear()
    await checkFreed(base, cut, scratch)
    return 'it starts all the same; with room, the run that was cut off is closed'
  } finally {
    await second.kill()
  }
}

async function checkFreed(base: string, cut: Sent, scratch: string): Promise<void> {
  const { conversation_id } = cut.body
  await until(
    'the run that was cut off is closed',
    async () => isResult((await linesOf(base, conversation_id)).at(-1)),
    WELL_MS,
  )
  checkSame(conversation_id, cut.seen, await linesOf(base, conversation_id))
  await checkWell(base, scratch, conversation_id)
}

const NOBODY = 65_534

/** Nobody's process in somebody else's directory: first a new one, then one with a history. */
async function readOnlyStart({ scratch }: Context): Promise<string> {
  const nobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--']
  chmodSync(scratch, 0o755)
  const said: string[] = []
  const dataDir = join(scratch, 'root-owned', 'data')
  await mkdir(join(scratch, 'root-owned'), { mode: 0o755 })
  const refuse = async (what: string) => {
    const launched = await launch({ dataDir, through: nobody })
    const base = await launched.listening
    if (base !== undefined) {
      await launched.kill()
      throw new Error(`${what}: it starts in a directory that it cannot write`)
    }
    const [code] = await launched.exit
    if (code === 0) throw new Error(`${what}: it ends with 0`)
    if (!launched.stderr.includes(dataDir) || /^\s+at /m.test(launched.stderr))
      throw new Error(`${what}: no sentence for the operator: ${launched.stderr}`)
    said.push(what)
  }
  await refuse('a new directory')
  {
    await using program = await startProgram({ dataDir })
    await tell(program.base, scratch, 'old', 'Hello')
  }
  // Its own, and nobody else's, but not to be written.
  chownSync(dataDir, NOBODY, NOBODY)
  for (const name of readdirSync(dataDir, { recursive: true, encoding: 'utf8' }))
    chownSync(join(dataDir, name), NOBODY, NOBODY)
  chmodSync(dataDir, 0o500)
  await refuse('a directory with a history')
  chmodSync(dataDir, 0o700)
  // Whoever may write again finds all as it was.
  await using program = await startProgram({ dataDir })
  runsOf('old', await linesOf(program.base, 'old'))
  await checkWell(program.base, scratch, 'old')
  return `${said.join(' and ')} is refused with a sentence that names it; what it holds stays as it is`
}
