import { expect, it } from 'vitest'
import { openReader } from '../resume/reader.ts'
import { expectKept, expectWholeRuns, prompt, toolCalled, transcript } from './conversation.ts'
import { descendants, newWorld, PATIENCE, startProgram, stillAlive } from './program.ts'
import { oneSleeps, SLEEPER } from './sleepers.ts'

it('SIGTERM in the middle of a run: its client sees the end, nothing stays behind, exit code 0', async () => {
  const world = await newWorld({ model: true })
  const conversation = { id: 'stop', cwd: world.folder('stop') }
  const program = await startProgram(world)
  const live = await prompt(program, conversation, `@say Let me see.\n@bash ${SLEEPER}`)
  await live.until((event) => toolCalled(event) === 'Bash')
  await oneSleeps(program)
  const family = descendants(program.pid)
  const asked = performance.now()
  program.signal('SIGTERM')
  const seen = await live.ended
  expect(await program.exit).toEqual([0, null])
  expect(performance.now() - asked).toBeLessThan(10_000)
  expect(seen.at(-1)?.event).toMatchObject({ type: 'result', subtype: 'interrupted', is_error: true })
  expect(seen.at(-1)?.event['result']).toMatch(/service was stopped/)
  await expect.poll(() => stillAlive(family), PATIENCE).toEqual([])

  const next = await startProgram(world)
  const stored = await transcript(next, conversation, 1)
  expectKept(seen, stored)
  expectWholeRuns(stored, 1)
  const again = await (await prompt(next, conversation, '@recall')).ended
  expect(again.at(-1)?.event['result']).toContain('Let me see.')
})

it('SIGINT does the same as SIGTERM', async () => {
  const program = await startProgram(await newWorld(), ['--agent', 'scripted'])
  program.signal('SIGINT')
  expect(await program.exit).toEqual([0, null])
})

it('a second signal ends it at once, and the next start puts in order what is left', async () => {
  const world = await newWorld()
  const conversation = { id: 'force', cwd: world.folder('force') }
  const program = await startProgram(world, ['--agent', 'scripted'])
  const live = await prompt(program, conversation, '@load n=3000 size=8000 rate=0\n@hang')
  await live.until(({ id }) => id === 3002)
  // It has begun to read and stops, so that an orderly end has something to wait for.
  const { id: conversation_id, cwd } = conversation
  const stuck = await openReader(program.base, { conversation_id, cwd }, 0)
  await stuck.read((_, frames) => frames > 0)
  program.signal('SIGTERM')
  await expect.poll(() => program.stderr, PATIENCE).toContain('"stopping"')
  program.signal('SIGTERM')
  expect(await program.exit).toEqual([null, 'SIGTERM'])
  stuck.cut()

  const next = await startProgram(world, ['--agent', 'scripted'])
  const stored = await transcript(next, conversation, 1)
  expectKept(live.received, stored)
  expectWholeRuns(stored, 1)
})
