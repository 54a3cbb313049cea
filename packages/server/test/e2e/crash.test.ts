import { cpSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { call, type Received, stream } from '../support/client.ts'
import {
  comeBack,
  type Conversation,
  expectKept,
  expectWholeRuns,
  isHealthy,
  isResult,
  prompt,
  toolCalled,
  transcript,
} from './conversation.ts'
import {
  agents,
  descendants,
  newWorld,
  PATIENCE,
  type Program,
  startProgram,
  stillAlive,
  type World,
} from './program.ts'
import { oneSleeps, SLEEPER } from './sleepers.ts'

it('kill -9 while the agent runs a command: nothing lost, nothing twice, nothing left hanging', async () => {
  const world = await newWorld({ model: true })
  const conversation = { id: 'crash', cwd: world.folder('crash') }
  const first = await startProgram(world)
  const live = await prompt(first, conversation, `The word is fig.\n@say Let me see.\n@bash ${SLEEPER}`)
  await live.until((event) => toolCalled(event) === 'Bash')
  await oneSleeps(first)
  const family = descendants(first.pid)
  expect(agents(first)).toHaveLength(1)
  await first.kill()
  const seen = [...live.received]

  const second = await startProgram(world)
  const missed = await comeBack(second, conversation, seen.at(-1)?.id ?? 0)
  const stored = await transcript(second, conversation, 1)
  expectKept([...seen, ...missed], stored)
  expectWholeRuns(stored, 1)
  expect(missed.at(-1)).toMatchObject({ id: stored.length, event: { type: 'result', is_error: true } })
  const end = stored.at(-1)?.event
  expect(end).toMatchObject({ subtype: 'service_stopped', open_tool_calls: [{ name: 'Bash' }] })
  expect(end?.['result']).toMatch(/Bash/)
  await expect.poll(() => stillAlive(family), PATIENCE).toEqual([])

  const again = await (await prompt(second, conversation, '@recall')).ended
  expect(again.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  expect(again.at(-1)?.event['result']).toContain('The word is fig.')
})

it('answers within a second after a crash, whatever it has to put in order', async () => {
  const world = await newWorld()
  const cwd = world.folder('long')
  const first = await startProgram(world, ['--agent', 'scripted'])
  const live = await stream(first.base, { conversation_id: 'long', cwd, text: '@load n=20000 rate=0 size=500\n@hang' })
  await live.until(({ id }) => id === 20_002)
  await first.kill()
  const ours: number[] = []
  const fresh: number[] = []
  // While other tests keep the machine busy, any start takes longer: one with nothing to do is the measure.
  const isSlow = () => Math.min(...ours) >= Math.max(1000, 2 * Math.min(...fresh))
  for (let n = 0; n < 5 && isSlow(); n++) {
    // Each start finds the crash as it was left.
    const left = { ...world, dataDir: `${world.dataDir}-${n}` }
    cpSync(world.dataDir, left.dataDir, { recursive: true })
    ours.push(await timeToHealth(left, (program) => transcript(program, { id: 'long', cwd }, 1)))
    fresh.push(await timeToHealth(await newWorld()))
  }
  expect({ ours, fresh, isSlow: isSlow() }).toMatchObject({ isSlow: false })
})

/** How long it takes from the start of the program until it answers, in ms. Afterwards it is killed. */
async function timeToHealth(world: World, then: (program: Program) => Promise<unknown> = async () => {}) {
  const start = performance.now()
  const program = await startProgram(world, ['--agent', 'scripted'])
  expect(await isHealthy(program.base)).toBe(true)
  const took = performance.now() - start
  await then(program)
  await program.kill()
  return took
}

it('kill -9 at any moment, again and again: what a client has seen is there, and every run ends once', async () => {
  const SEED = 20_260_101
  const moments = fc.sample(fc.record({ after: fc.integer({ min: -1, max: 3000 }), rate: fc.constantFrom(0, 3000) }), {
    numRuns: 8,
    seed: SEED,
  })
  const world = await newWorld()
  const clients: { id: string; cwd: string; seen: Received[] }[] = []
  for (const [round, { after, rate }] of moments.entries()) {
    const text = `@load n=4000 rate=${rate} size=300`
    const ours = [0, 1, 2].map((n) => ({ id: `c-${round}-${n}`, cwd: world.folder(`c-${round}-${n}`), seen: [] }))
    clients.push(...ours)
    await oneCrash(world, ours, text, after)
  }
  const last = await startProgram(world, ['--agent', 'scripted'])
  for (const client of clients) {
    const context = `seed ${SEED}, conversation ${client.id}`
    const known = await call(`${last.base}/v1/conversations/${client.id}/events`)
    // Killed before the prompt was stored: then nobody has been told that it was.
    expect(known.status === 200 || client.seen.length === 0, context).toBe(true)
    if (known.status !== 200) continue
    const stored = await transcript(last, client, 1)
    expectWholeRuns(stored, 1)
    expectKept(client.seen, stored)
  }
}, 120_000)

/** Starts the program, has its clients send their prompts, and kills it when the first has `after` events. */
async function oneCrash(
  world: World,
  clients: readonly { id: string; cwd: string; seen: Received[] }[],
  text: string,
  after: number,
): Promise<void> {
  const program = await startProgram(world, ['--agent', 'scripted'])
  const sent = clients.map(({ id, cwd }) => stream(program.base, { conversation_id: id, cwd, text }))
  const opened = Promise.allSettled(sent)
  if (after >= 0) await (await sent[0])?.until(({ id }) => id > after)
  await program.kill()
  for (const [n, outcome] of (await opened).entries()) {
    if (outcome.status !== 'fulfilled') continue
    await outcome.value.ended.catch(() => {})
    clients[n]?.seen.push(...outcome.value.received)
  }
}

it('a prompt that was stored, but that no agent had yet, is worked on after the next start', async () => {
  const world = await newWorld()
  const conversation = { id: 'next', cwd: world.folder('next') }
  await storePrompt(world.dataDir, conversation)
  const program = await startProgram(world, ['--agent', 'scripted'])
  const stored = await transcript(program, conversation, 1)
  expectWholeRuns(stored, 1)
  expect(stored.at(-1)?.event).toMatchObject({ subtype: 'success' })
  const second = await (await prompt(program, conversation, 'Two.')).ended
  expect(second.filter(isResult)).toHaveLength(2)
})

/** Leaves behind what a service leaves that is killed right after it has stored a prompt. */
async function storePrompt(dataDir: string, { id, cwd }: Conversation): Promise<void> {
  const store = await openSqliteStore({ dataDir, log: { info() {}, warn() {}, error() {} } })
  const line = toLine(promptEvent('One.', new Date(0).toISOString()))
  const names = { id: 'a'.repeat(32) as RunId, name: ConversationId.parse(id), folder: cwd as Folder, cwd }
  await store.beginRun({ ...names, begunBy: 'client', text: 'One.', options: {}, line, at: 0 })
  await store.close()
}
