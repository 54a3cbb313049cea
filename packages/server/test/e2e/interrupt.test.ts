import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { call, type Received, replay } from '../support/client.ts'
import { type RunId, steeringUuid } from '@claude-proxy/protocol/ids'
import { decide, interrupt, questionOf, runIdOf, textsOf } from '../http/calls.ts'
import { expectInterrupted } from '../http/contract/interrupts.ts'
import {
  type Conversation,
  expectWholeRuns,
  isBegunByAgent,
  isTurnResult,
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
import { oneSleeps, SLEEPER, sleepers } from './sleepers.ts'

it('an interrupt in a tool ends the tool and the run; the process takes the next prompt', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'tool', cwd: world.folder('tool') }
  const live = await prompt(program, conversation, `@bash ${SLEEPER}`)
  await oneSleeps(program)
  const before = [...agents(program), ...sleepers(program)]
  expect((await interrupt(program, 'tool')).json).toMatchObject({ stopped: { run_id: runIdOf(live) } })
  expectInterrupted(await live.ended)
  await expect.poll(() => sleepers(program), PATIENCE).toEqual([])
  await expectAnswered(program, conversation)
  expect(stillAlive(before)).toEqual(agents(program))
  expectWholeRuns(await replay(program.base, 'tool'), 2)
})

it('an agent that does not listen is killed with all it began, and the run says who ended it', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'deaf', cwd: world.folder('deaf') }
  const live = await prompt(program, conversation, `@bash ${SLEEPER}`)
  await oneSleeps(program)
  const family = descendants(program.pid)
  for (const { pid } of agents(program)) process.kill(pid, 'SIGSTOP')
  const answer = await interrupt(program, 'deaf')
  expect(answer.json).toMatchObject({ stopped: { run_id: runIdOf(live) } })
  expectInterrupted(await live.ended)
  await expect.poll(() => stillAlive(family), PATIENCE).toEqual([])
  await expectAnswered(program, conversation)
})

it('an interrupt of a run that waits for its background ends both', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'settling', cwd: world.folder('settling') }
  const gate = join(conversation.cwd, 'gate')
  const input = {
    description: 'x',
    prompt: `@bash until [ -e ${gate} ]; do sleep 0.05; done`,
    subagent_type: 'general-purpose',
  }
  const live = await prompt(program, conversation, `@tool Agent ${JSON.stringify(input)}`)
  await live.until((event) => toolCalled(event) === 'Bash')
  const loops = () => descendants(program.pid).filter(({ command }) => command.includes(gate))
  await expect.poll(() => loops().length, PATIENCE).toBeGreaterThan(0)
  await interrupt(program, 'settling')
  const received = await live.ended
  expectInterrupted(received)
  expect(received.filter(({ event }) => event.type === 'result')).toHaveLength(1)
  await expect.poll(loops, PATIENCE).toEqual([])
  await expectAnswered(program, conversation)
})

it('a shell in the background survives an interrupt of the turn, and ends with one of all, also at rest', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'shell', cwd: world.folder('shell') }
  const background = `@tool Bash ${JSON.stringify({ command: SLEEPER, description: 'x', run_in_background: true })}`
  const live = await prompt(program, conversation, `${background}\n@hang`)
  await oneSleeps(program)
  await live.until((event) => event.event.type === 'user' && JSON.stringify(event.event).includes('tool_result'))
  await interrupt(program, 'shell', 'turn')
  expectInterrupted(await live.ended)
  expect(sleepers(program)).toHaveLength(1)
  expect((await interrupt(program, 'shell', 'turn')).json).toMatchObject({
    stopped: { run_id: null, background: false },
  })
  expect((await interrupt(program, 'shell', 'all')).json).toMatchObject({ stopped: { run_id: null, background: true } })
  await expect.poll(() => sleepers(program), PATIENCE).toEqual([])

  const again = await prompt(program, conversation, `${background}\n@hang`)
  await oneSleeps(program)
  await interrupt(program, 'shell', 'all')
  expectInterrupted(await again.ended)
  await expect.poll(() => sleepers(program), PATIENCE).toEqual([])
  await expectAnswered(program, conversation)
})

it('steering goes into the turn that is under way, and the run has one end', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'steer', cwd: world.folder('steer') }
  const gate = join(conversation.cwd, 'gate')
  const live = await prompt(program, conversation, `@bash until [ -e ${gate} ]; do sleep 0.05; done\n@say Done.`)
  await live.until((event) => toolCalled(event) === 'Bash')
  const steering = await prompt(program, conversation, 'Mind the gap.', { when_busy: 'steer' })
  expect(steering.headers['x-proxy-outcome']).toBe('steering')
  writeFileSync(gate, '')
  const told = await live.until(({ event }) => event.subtype === 'prompt_steered')
  expect(told.event['prompt_id']).toBe(runIdOf(steering))
  const seen = await live.ended
  expect(seen.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  expect(await steering.ended).toEqual(seen.slice(seen.findIndex(({ event }) => event['steer'] === true)))
  expectWholeRuns(await replay(program.base, 'steer'), 1)
  expect(textsOf(seen).join('\n')).toContain('Done.')
})

it('a prompt that comes too late for the turn is answered by the run all the same', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'late', cwd: world.folder('late') }
  // A text at the end: nothing is taken any more until the turn is over.
  const live = await prompt(program, conversation, '@slow 40\n@text 2000\n@end Over.')
  await live.until(({ event }) => event.subtype === 'init')
  const steering = await prompt(program, conversation, 'One more thing.', { when_busy: 'steer' })
  const seen = await live.ended
  expect(await steering.ended).toEqual(seen.slice(-(await steering.ended).length))
  expectWholeRuns(await replay(program.base, 'late'), 1)
  expect(seen.filter(isTurnResult)).toHaveLength(1)
  expect(textsOf(seen).join('\n')).toContain('You said: One more thing.')
})

it('what a stopped turn has not taken is a run of its own, once', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'untaken', cwd: world.folder('untaken') }
  const live = await prompt(program, conversation, `@bash ${SLEEPER}`)
  await oneSleeps(program)
  const steering = await prompt(program, conversation, '@say Only once.\n@recall', { when_busy: 'steer' })
  expect(steering.headers['x-proxy-outcome']).toBe('steering')
  await interrupt(program, 'untaken')
  expectInterrupted(await live.ended)
  const received = await steering.ended
  expect(received.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  const stored = await transcript(program, conversation, 2)
  expect(stored.filter(isBegunByAgent)).toEqual([])
  const said = textsOf(received).join('\n')
  expect(said).toContain('Only once.')
  // The agent has heard it in one prompt alone.
  expect(said.split('(1)')[1]).not.toContain('Only once.')
})

it('a prompt that the agent had begun with when it was ended is heard once by the next', async () => {
  const world = await newWorld({ model: true })
  // One process at a time: what the first leaves behind can be changed before the next reads it.
  const program = await startProgram(world, ['--max-processes', '1', '--max-warm', '0'])
  const conversation = { id: 'begun', cwd: world.folder('begun') }
  const first = await (await prompt(program, conversation, '@say First.')).ended
  const live = await prompt(program, conversation, `@bash ${SLEEPER}`)
  await oneSleeps(program)
  const holder = { id: 'holder', cwd: world.folder('holder') }
  const between = await prompt(program, holder, '@bash touch never', { allowed_tools: [] })
  const steering = await prompt(program, conversation, '@say Only once.\n@recall', { when_busy: 'steer' })
  await interrupt(program, conversation.id)
  expectInterrupted(await live.ended)
  const question = await questionOf(between)
  const session = String(first.at(-1)?.event['session_id'])
  const file = transcriptFile(world, conversation.cwd, session)
  const run = runIdOf(steering) as RunId
  const own = { uuid: steeringUuid(run), sessionId: session, cwd: conversation.cwd }
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  // On a busy machine it has begun with it already.
  const cut = lines.findIndex((line) => line.includes('"type":"user"') && line.includes('Only once.'))
  const entries = lines.slice(0, cut < 0 ? lines.length : cut).map((line): Entry => JSON.parse(line))
  const before = entries.findLast(({ uuid }) => uuid !== undefined)
  const message = { role: 'user', content: '@say Only once.' }
  const heard = { ...before, ...own, type: 'user', parentUuid: before?.uuid, message }
  writeFileSync(file, [...entries, heard].map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  await decide(program, holder.id, holder.cwd, question, { behavior: 'deny' })
  await between.ended
  const received = await steering.ended
  const said = textsOf(received).join('\n')
  expect(said).toContain('First.')
  expect(said.split('(1)')[1]).not.toContain('Only once.')
})

it('kill -9 with two that wait and one that is being interrupted: all have their end, in order, once each', async () => {
  const world = await newWorld({ model: true })
  const first = await startProgram(world)
  const conversation = { id: 'kill', cwd: world.folder('kill') }
  const live = await prompt(first, conversation, `@bash ${SLEEPER}`)
  await oneSleeps(first)
  const waiting = []
  for (const word of ['one', 'two'])
    waiting.push(await prompt(first, conversation, `@say This is ${word}.`, { when_busy: 'queue' }))
  for (const { pid } of agents(first)) process.kill(pid, 'SIGSTOP')
  expect((await interrupt(first, 'kill')).json).toMatchObject({ stopped: { run_id: runIdOf(live) } })
  await first.kill()

  const second = await startProgram(world)
  const stored = await transcript(second, conversation, 3)
  const ends = stored.flatMap(({ event }) => (event.type === 'result' ? [event.subtype] : []))
  expect(ends).toEqual(['interrupted', 'success', 'success'])
  const begun = stored.flatMap(({ event }: Received) =>
    event.type === 'user' && event['prompt_id'] ? [event['prompt_id']] : [],
  )
  expect(begun).toEqual(waiting.map(runIdOf))
  expect(
    textsOf(stored)
      .filter((text) => text.startsWith('This is'))
      .map((text) => text.slice(0, 11)),
  ).toEqual(['This is one', 'This is two'])
  const { json } = await call(`${second.base}/v1/conversations/kill/queue`)
  expect(json).toMatchObject({ prompts: [], others_ahead: 0 })
})

it('kill -9 while a prompt is on its way into a turn: it is next, and runs once', async () => {
  const world = await newWorld()
  const args = ['--agent', 'scripted']
  const first = await startProgram(world, args)
  const conversation = { id: 'midway', cwd: world.folder('midway') }
  const live = await prompt(first, conversation, '@load n=1000000 rate=20')
  await live.until(({ event }) => event.type === 'assistant')
  await prompt(first, conversation, 'patient', { when_busy: 'queue' })
  const steering = await prompt(first, conversation, 'steering', { when_busy: 'steer' })
  expect(steering.headers['x-proxy-outcome']).toBe('steering')
  await first.kill()

  const second = await startProgram(world, args)
  const stored = await transcript(second, conversation, 3)
  const ends = stored.flatMap(({ event }) => (event.type === 'result' ? [event.subtype] : []))
  expect(ends).toEqual(['service_stopped', 'success', 'success'])
  expect(textsOf(stored, 'user')).toEqual(['@load n=1000000 rate=20', 'steering', 'steering', 'patient'])
})

it('a prompt that waits does not wait for what only works in the background', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'make-way', cwd: world.folder('make-way') }
  const [first, second] = ['first', 'second'].map((name) => join(conversation.cwd, name))
  const input = {
    description: 'x',
    prompt: `@bash until [ -e ${second} ]; do sleep 0.05; done`,
    subagent_type: 'general-purpose',
  }
  const text = `@bash until [ -e ${first} ]; do sleep 0.05; done\n@tool Agent ${JSON.stringify(input)}`
  const live = await prompt(program, conversation, text)
  await live.until((event) => toolCalled(event) === 'Bash')
  const waiting = await prompt(program, conversation, '@say My turn.', { when_busy: 'queue' })
  writeFileSync(first ?? '', '')
  await live.ended
  await waiting.until((event) => textsOf([event]).some((said) => said.startsWith('My turn.')))
  writeFileSync(second ?? '', '')
  expect((await waiting.ended).at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
})

it('an interrupt of a run that waits for a place ends it without a process', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world, ['--max-processes', '1'])
  const first = { id: 'holds', cwd: world.folder('holds') }
  await prompt(program, first, `@bash ${SLEEPER}`)
  await oneSleeps(program)
  const second = { id: 'waits', cwd: world.folder('waits') }
  const live = await prompt(program, second, '@say Never.')
  await interrupt(program, 'waits')
  const received = await live.ended
  expectInterrupted(received)
  expect(received).toHaveLength(2)
  await interrupt(program, 'holds', 'all')
  await expectAnswered(program, second)
})

/** The next prompt of the conversation is. */
async function expectAnswered(program: Program, conversation: Conversation): Promise<void> {
  const next = await (await prompt(program, conversation, '@say Here.')).ended
  expect(next.at(-1)?.event).toMatchObject({ is_error: false })
}

interface Entry {
  readonly uuid?: string
}

/** Where Claude Code keeps the session. */
function transcriptFile({ environment }: World, cwd: string, session: string): string {
  return join(environment['HOME'] ?? '', '.claude/projects', cwd.replace(/[^a-zA-Z0-9]/g, '-'), `${session}.jsonl`)
}
