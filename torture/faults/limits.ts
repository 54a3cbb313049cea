import { execFileSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { startCanary } from '../lib/canary.ts'
import type { Fault } from '../lib/fault.ts'
import { openFiles } from '../lib/inside.ts'
import type { Context } from '../lib/part.ts'
import { type Program, startProgram } from '../lib/program.ts'
import { startWithBadAgent } from '../lib/programs.ts'
import { checkWell, type Sent, send } from '../lib/prompts.ts'
import { checkSame, linesOf, runsOf } from '../lib/truth.ts'
import { until, within } from '../lib/until.ts'
import { ask } from '../lib/wire.ts'

export const limitFaults: readonly Fault[] = [
  { name: 'no file handles are left while clients connect', brief: 'always', run: noFiles },
  { name: 'no file handles are left when the first agent starts', brief: 'sometimes', run: noFilesAtStart },
  { name: 'a heap that is too small for a flood', brief: 'never', run: smallHeap },
]

/** How many files the process may have open from now on; what it has stays open. */
function limitOpenFiles({ pid }: Program, count: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${count}:`])
}

async function noFiles({ scratch, random, brief }: Context): Promise<string> {
  await using program = await startProgram({ dataDir: join(scratch, 'data') })
  const { base } = program
  const canary = await startCanary({ base, scratch, name: 'canary', seconds: brief ? 3 : 5 })
  const before = openFiles(program.pid).length
  limitOpenFiles(program, before + random.int(2, 20))
  const { hostname, port } = new URL(base)
  const clients = Array.from({ length: 120 }, () => {
    const client = connect(Number(port), hostname).on('error', () => {})
    client.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Unfinished: ')
    return client
  })
  const refused = () => clients.filter(isOver).length
  await until('somebody is turned away', () => refused() > 0, 15_000)
  // What asks for a file now is told so, or served; it is never left hanging.
  const prompts = await Promise.all([1, 2].map((n) => send(base, scratch, `during-${n}`, 'Hello')))
  for (const { heard } of prompts) await within('an answer or a broken line', 15_000, heard)
  const turnedAway = refused()
  for (const client of clients) client.destroy()
  limitOpenFiles(program, 1024)
  await until('it answers again', async () => (await ask(`${base}/healthz`)).status === 200, 10_000)
  await checkWell(base, scratch, 'after')
  const lateMs = await canary.finish()
  await until('all handles are given back', () => openFiles(program.pid).length <= before + 16, 10_000)
  return `${turnedAway} of 120 clients were turned away; the canary was late by ${Math.round(lateMs)} ms at most`
}

function isOver(client: Socket): boolean {
  return client.destroyed || client.readableEnded
}

/** The SDK is loaded and a process begun for the first time where no file can be opened. */
async function noFilesAtStart({ scratch, random }: Context): Promise<string> {
  await using program = await startWithBadAgent(scratch)
  const { base } = program
  limitOpenFiles(program, openFiles(program.pid).length + random.int(1, 6))
  const sent = await send(base, scratch, 'first', '@load n=5 rate=0 size=100')
  const { status } = await within('the run is told', 90_000, sent.heard)
  limitOpenFiles(program, 1024)
  await within('the service is well again', 60_000, checkWell(base, scratch, 'second'))
  if (status !== 200) return 'the prompt was refused; with handles, all is well'
  const [run] = runsOf('first', await linesOf(base, 'first'))
  checkSame('first', sent.seen, await linesOf(base, 'first'))
  await checkWell(base, scratch, 'first')
  return `told as ${run?.result.subtype}: "${run?.result.result.slice(0, 120)}"; with handles, all is well`
}

/** Lives, or ends in words: whatever was seen is there at the next start. */
async function smallHeap({ scratch }: Context): Promise<string> {
  const dataDir = join(scratch, 'data')
  const sent: Sent[] = []
  let said: string
  {
    await using program = await startProgram({ dataDir, env: { NODE_OPTIONS: '--max-old-space-size=32' } })
    for (let n = 0; n < 12; n++)
      sent.push(await send(program.base, scratch, `flood-${n}`, '@load n=3000 rate=0 size=8000'))
    await within('the flood is over, or the service', 120_000, Promise.all(sent.map(({ heard }) => heard)))
    const isGone = await Promise.race([
      program.exit.then(() => true),
      ask(`${program.base}/healthz`).then(({ status }) => status !== 200),
    ])
    if (isGone) await within('the end', 10_000, program.exit)
    if (isGone && !/heap|memory/i.test(program.stderr))
      throw new Error(`it ended without a word: ${program.stderr.slice(-400)}`)
    said = isGone ? 'it ends and says why' : 'it lives'
    await program.kill()
  }
  await using again = await startProgram({ dataDir })
  for (const { body, seen, heard } of sent) {
    const { status } = await heard
    if (status !== 200 && seen.length === 0) continue
    const { conversation_id } = body
    await until(
      `${conversation_id} is closed`,
      async () => (await linesOf(again.base, conversation_id)).at(-1)?.startsWith('{"type":"result"') ?? false,
      20_000,
    )
    const lines = await linesOf(again.base, conversation_id)
    checkSame(conversation_id, seen, lines)
    runsOf(conversation_id, lines)
  }
  await checkWell(again.base, scratch, 'after')
  return `${said}; all that was seen is there at the next start`
}
