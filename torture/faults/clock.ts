import { join } from 'node:path'
import { startCanary } from '../lib/canary.ts'
import type { Fault } from '../lib/fault.ts'
import { checkNobodyIn } from '../lib/orphans.ts'
import type { Context } from '../lib/part.ts'
import { startWithBadAgent } from '../lib/programs.ts'
import { checkWell, send } from '../lib/prompts.ts'
import { checkSame, isResult, linesOf, runsOf } from '../lib/truth.ts'
import { until, within } from '../lib/until.ts'

const JUMP = new URL('../lib/clock-jump.ts', import.meta.url).href

export const clockFaults: readonly Fault[] = [
  { name: 'a clock that jumps by hours, forwards and back', brief: 'sometimes', run: jump },
]

async function jump({ scratch, brief, random }: Context): Promise<string> {
  await using program = await startWithBadAgent(scratch, { imports: [JUMP] })
  const { base } = program
  let jumps = 0
  const jumpNow = async () => {
    jumps++
    process.kill(program.pid, 'SIGUSR2')
    await until('it jumps', () => [...program.stderr.matchAll(/^jumped/gm)].length === jumps, 5000)
  }
  const canary = await startCanary({ base, scratch, name: 'canary', seconds: brief ? 3 : 12 })
  // A process that is warm, one that is asked again, one that works: none may be ended by the time of day.
  for (let n = 0; n < (brief ? 2 : 8); n++) {
    const sent = await send(base, scratch, `jump-${random.int(0, 2)}`, '@load n=20 rate=40 size=100')
    await until('it works', () => sent.seen.length > 0, 20_000)
    await jumpNow()
    await within('the run ends', 20_000, sent.heard)
    if (!isResult(sent.seen.at(-1)?.data)) throw new Error('the stream ended before its run')
    const lines = await linesOf(base, sent.body.conversation_id)
    checkSame(sent.body.conversation_id, sent.seen, lines)
    for (const { result } of runsOf(sent.body.conversation_id, lines))
      if (result.is_error) throw new Error(result.result)
  }
  await checkWell(base, scratch, 'jump-0')
  const lateMs = await canary.finish()
  const deaf = await send(base, scratch, 'deaf', '@deaf @silent')
  await until('it is deaf', () => deaf.seen.length >= 2, 20_000)
  program.signal('SIGTERM')
  const jumping = setInterval(() => program.signal('SIGUSR2'), 700)
  try {
    // In order: it is not the force after 9.5 s that ends it.
    const [code] = await within('the service stops', 12_000, program.exit)
    if (code !== 0) throw new Error(`the service could not stop in order: ${program.stderr.slice(-500)}`)
  } finally {
    clearInterval(jumping)
  }
  await checkNobodyIn(join(scratch, 'work'), 'after the service has stopped')
  return `${jumps} jumps in the middle of runs and more during the stop; the canary was late by ${Math.round(lateMs)} ms at most`
}
