import { join } from 'node:path'
import { startCanary } from '../lib/canary.ts'
import type { Fault } from '../lib/fault.ts'
import { lookInside, ownBytes, PROBE_FILE } from '../lib/inside.ts'
import { checkNobodyIn } from '../lib/orphans.ts'
import type { Context } from '../lib/part.ts'
import { startWithBadAgent } from '../lib/programs.ts'
import { checkWell, send, tell } from '../lib/prompts.ts'
import { checkSame, isResult, linesOf, runsOf, type Told } from '../lib/truth.ts'
import { until, within } from '../lib/until.ts'

const MIB = 1024 * 1024

/** One prompt that makes the agent do `what`, with a canary beside it and a look at the folder afterwards. */
function badRun(name: string, brief: Fault['brief'], what: string, check: (told: Told) => void): Fault {
  return {
    name,
    brief,
    async run({ scratch, brief: isBrief }) {
      await using program = await startWithBadAgent(scratch)
      const canary = await startCanary({ base: program.base, scratch, name: 'canary', seconds: isBrief ? 2 : 4 })
      const told = await within('the run ends', 60_000, tell(program.base, scratch, 'bad', what))
      check(told)
      await checkWell(program.base, scratch, 'bad')
      const lateMs = await canary.finish()
      program.signal('SIGTERM')
      await within('the service stops', 12_000, program.exit)
      await checkNobodyIn(join(scratch, 'work'), 'after the service has stopped')
      return `${told.events} events, told as ${told.result.subtype}: "${told.result.result.slice(0, 100)}"; the canary was late by ${Math.round(lateMs)} ms at most`
    },
  }
}

const failed = ({ result }: Told) => {
  if (!result.is_error) throw new Error('a run whose agent has failed ends well')
}
const succeeded = ({ result }: Told) => {
  if (result.is_error) throw new Error(`the run fails: ${result.result}`)
}

export const agentFaults: readonly Fault[] = [
  badRun('an agent that is killed in the middle', 'always', '@load n=50 rate=0 size=100 @die SIGKILL', failed),
  badRun('an agent that ends with an exit code', 'sometimes', '@load n=5 rate=0 size=100 @die 3', failed),
  badRun('an agent that ends with 0 and no result', 'sometimes', '@load n=5 rate=0 size=100 @die 0', failed),
  badRun('an agent that writes garbage to stdout', 'sometimes', '@garbage 500 @load n=5 rate=0 size=100', succeeded),
  badRun('an agent that dies and leaves children', 'sometimes', '@children @die SIGKILL', failed),
  badRun('an agent that ends well and has children', 'sometimes', '@children', succeeded),
  badRun('an agent that floods: 100,000 events', 'never', '@load n=100000 rate=0 size=300', (told) => {
    succeeded(told)
    if (told.events < 100_000) throw new Error(`${told.events} events of 100,000 are there`)
  }),
  { name: 'an agent that is deaf when the service stops', brief: 'sometimes', run: deafAtStop },
  {
    name: 'a deaf agent that outlives a kill -9, and a prompt before it is gone',
    brief: 'sometimes',
    run: deafAfterKill,
  },
  { name: 'messages of 50 MB', brief: 'never', run: huge },
]

async function deafAtStop({ scratch }: Context): Promise<string> {
  await using program = await startWithBadAgent(scratch)
  const sent = await send(program.base, scratch, 'deaf', '@children @deaf @silent')
  await until('the agent works', () => sent.seen.length >= 3, 20_000)
  const start = performance.now()
  program.signal('SIGTERM')
  const [code] = await within('the service stops', 12_000, program.exit)
  const ms = performance.now() - start
  await checkNobodyIn(join(scratch, 'work'), 'after the service has stopped')
  await sent.heard
  if (!isResult(sent.seen.at(-1)?.data)) throw new Error('the reader was not told the end')
  return `stopped with ${code} after ${Math.round(ms)} ms, told, and nobody left`
}

async function deafAfterKill({ scratch }: Context): Promise<string> {
  const cut = { seen: 0 }
  {
    await using program = await startWithBadAgent(scratch)
    const sent = await send(program.base, scratch, 'deaf', '@children @deaf @silent')
    await until('the agent works', () => sent.seen.length >= 3, 20_000)
    cut.seen = sent.seen.length
    await program.kill()
  }
  await using program = await startWithBadAgent(scratch)
  const { result, events } = await tell(program.base, scratch, 'other', '@load n=100 rate=40 size=100')
  if (result.is_error || events < 100)
    throw new Error(`the prompt after the start ended after ${events} events: ${result.result}`)
  await until(
    'the run that was cut off is closed',
    async () => isResult((await linesOf(program.base, 'deaf')).at(-1)),
    20_000,
  )
  runsOf('deaf', await linesOf(program.base, 'deaf'))
  await checkNobodyIn(join(scratch, 'work', 'deaf'), 'after the next start')
  return `the next start ends it; a prompt that came meanwhile has its ${events} events`
}

/** Three of them, so that what is kept shows. */
async function huge({ scratch }: Context): Promise<string> {
  await using program = await startWithBadAgent(scratch, { imports: [PROBE_FILE] })
  await checkWell(program.base, scratch, 'huge')
  await lookInside(program)
  const before = await lookInside(program)
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, ownBytes(program.pid))
  }, 50)
  const canary = await startCanary({ base: program.base, scratch, name: 'canary', seconds: 10, lateMs: 8000 })
  const seen = []
  try {
    for (let n = 0; n < 3; n++) {
      const sent = await send(program.base, scratch, 'huge', `@huge ${50 * MIB}`)
      await within('the run ends', 90_000, sent.heard)
      seen.push(...sent.seen.slice(seen.length))
    }
  } finally {
    clearInterval(watch)
  }
  const lines = await linesOf(program.base, 'huge')
  checkSame('huge', seen, lines)
  for (const told of runsOf('huge', lines)) succeeded(told)
  if (lines.filter((line) => line.length > 50 * MIB).length !== 3) throw new Error('a message of 50 MB is missing')
  const lateMs = await canary.finish()
  await checkWell(program.base, scratch, 'other')
  let after = await lookInside(program)
  await until(
    'what was huge is let go of',
    async () => {
      after = await lookInside(program)
      return after.heldBytes < before.heldBytes + 40 * MIB
    },
    20_000,
    1000,
  )
  return `three are three events; ${mib(peak)} at the peak, ${mib(after.heldBytes)} held afterwards (before: ${mib(before.heldBytes)}); the canary was late by ${Math.round(lateMs)} ms at most`
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
