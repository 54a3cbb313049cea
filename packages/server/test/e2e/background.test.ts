import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { replay } from '../support/client.ts'
import {
  expectWholeRuns,
  isBegunByAgent,
  isResult,
  isTurnResult,
  prompt,
  toolCalled,
  transcript,
} from './conversation.ts'
import { newWorld, PATIENCE, startProgram } from './program.ts'

/** A command that goes on until the test opens the gate, a file. */
function gate(cwd: string, name: string) {
  const file = join(cwd, name)
  return { command: `until [ -e ${file} ]; do sleep 0.05; done`, open: () => writeFileSync(file, '') }
}

/** The prompt that has an agent work in the background, one command after the other. */
function agentPrompt(...commands: string[]): string {
  const lines = commands.map((command) => `@bash ${command}`).join('\n')
  return `@tool Agent ${JSON.stringify({ description: 'x', prompt: lines, subagent_type: 'general-purpose' })}`
}

it('a run waits for an agent in the background: one result, at the end, and before it a turn result', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'settle', cwd: world.folder('settle') }
  const [first, second] = [gate(conversation.cwd, 'first'), gate(conversation.cwd, 'second')]
  const live = await prompt(program, conversation, agentPrompt(first.command, second.command))
  await live.until((event) => toolCalled(event) === 'Bash')
  // What the agent in the background does next shows that the turn was over long ago.
  first.open()
  await live.until(isTurnResult)
  expect(live.received.filter(isResult)).toEqual([])
  second.open()
  const seen = await live.ended
  expect(seen.filter(isResult)).toEqual([seen.at(-1)])
  expect(seen.at(-1)?.event['result']).toMatch(/background task is over/)
  expectWholeRuns(await replay(program.base, conversation.id), 1)
})

it('a new prompt starts at once while a run waits for its agent, also after that agent had to ask', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'make-way', cwd: world.folder('make-way') }
  const [first, second] = [gate(conversation.cwd, 'first'), gate(conversation.cwd, 'second')]
  const text = agentPrompt(first.command, `touch ${join(conversation.cwd, 'asked')}`, second.command)
  const live = await prompt(program, conversation, text)
  const commands = () => live.received.filter((received) => toolCalled(received) === 'Bash').length
  await expect.poll(commands, PATIENCE).toBe(1)
  first.open()
  await live.until(isTurnResult)
  await expect.poll(commands, PATIENCE).toBe(3)

  const next = await prompt(program, conversation, '@say I am here.')
  const seen = await live.ended
  expect(seen.filter(isResult)).toEqual([seen.at(-1)])
  await next.until(({ event }) => event.type === 'assistant' && JSON.stringify(event).includes('"I am here.'))
  // The agent works on; now the second run is the one that waits for it.
  second.open()
  await next.ended
  const stored = await transcript(program, conversation, 2)
  expectWholeRuns(stored, 2)
  expect(stored.at(-1)?.event['result']).toMatch(/background task is over/)
})

it('a shell in the background is not waited for; when it ends, the agent begins a run of its own', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'shell', cwd: world.folder('shell') }
  const { command, open } = gate(conversation.cwd, 'gate')
  const input = { command: `${command}; echo fin`, description: 'x', run_in_background: true }
  const live = await prompt(program, conversation, `@tool Bash ${JSON.stringify(input)}`)
  const seen = await live.ended
  expect(seen.filter(isResult)).toEqual([seen.at(-1)])
  expect(seen.filter(isTurnResult)).toEqual([])
  expectWholeRuns(await replay(program.base, conversation.id), 1)

  open()
  const stored = await transcript(program, conversation, 2)
  expectWholeRuns(stored, 2)
  expect(stored.slice(0, seen.length)).toEqual(seen)
  expect(stored.slice(seen.length).filter(isBegunByAgent)).toEqual([stored[seen.length]])
  const last = await (await prompt(program, conversation, 'Are you there?')).ended
  expect(last.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
})
