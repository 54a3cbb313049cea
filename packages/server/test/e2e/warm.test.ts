import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { expectWholeRuns, prompt, transcript } from './conversation.ts'
import { agents, newWorld, PATIENCE, startProgram, stillAlive } from './program.ts'

it('the second prompt goes to the warm process; other options get another one', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const conversation = { id: 'warm', cwd: world.folder('warm') }
  await (
    await prompt(program, conversation, 'One.')
  ).ended
  const first = agents(program)
  expect(first).toHaveLength(1)
  await (
    await prompt(program, conversation, 'Two.')
  ).ended
  expect(agents(program)).toEqual(first)

  const other = await prompt(program, conversation, '@recall', { system_prompt: 'Be brief.' })
  const seen = await other.ended
  expect(stillAlive(first)).toEqual([])
  const second = agents(program)
  expect(second).toHaveLength(1)
  expect(second).not.toEqual(first)
  // Another process, the same conversation.
  expect(seen.at(-1)?.event['result']).toMatch(/\(1\) One\..*\(2\) Two\./s)
})

it('four conversations work side by side, each in its folder; their processes leave when their time is over', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world, ['--warm-seconds', '1'])
  const names = ['a', 'b', 'c', 'd']
  const conversations = names.map((id) => ({ id, cwd: world.folder(id) }))
  const runs = conversations.map(async (conversation) => {
    const live = await prompt(
      program,
      conversation,
      `@bash echo ${conversation.id} > out.txt\n@end I am ${conversation.id}.`,
    )
    return live.ended
  })
  const seen = await Promise.all(runs)
  for (const [n, { id, cwd }] of conversations.entries()) {
    expect(readFileSync(join(cwd, 'out.txt'), 'utf8')).toBe(`${id}\n`)
    expect(seen[n]?.at(-1)?.event).toMatchObject({ type: 'result', is_error: false, result: `I am ${id}.` })
    expectWholeRuns(await transcript(program, { id, cwd }, 1), 1)
  }
  await expect.poll(() => agents(program), PATIENCE).toEqual([])
})
