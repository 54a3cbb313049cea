import { expect, test } from 'vitest'
import { atRest, made, send } from '../http/conversation-calls.ts'
import { newWorld, runToEnd, startProgram, type World } from './program.ts'

const json = async (world: World, ...args: string[]) => {
  const { code, stdout, stderr } = await runToEnd(world, ['usage', '--data-dir', world.dataDir, '--json', ...args])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

test('claude-proxy usage says the same as the service, while it runs and when it is stopped', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  const at = { base: program.base, folder: () => world.folder('a\u009bb') }
  const id = await made(at)
  await send(at, id, '@use input=7 output=8 usd=0.25')
  await atRest(at, id)
  const served = await (await fetch(`${program.base}/v1/usage?by=conversation`)).json()
  expect(served).toMatchObject({ entries: [{ conversation_id: id, runs: 1, cost_usd: 0.25 }] })
  expect(await json(world, '--by', 'conversation')).toEqual(served)
  program.signal('SIGTERM')
  await program.exit
  expect(await json(world, '--by=conversation')).toEqual(served)
  const { stdout } = await runToEnd(world, ['usage', '--by', 'folder', '--data-dir', world.dataDir])
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, UTC\n\nfolder +runs +failed/)
  expect(stdout).toMatch(/a\\u\{9b\}b +1 +0 +0\.00 +7 +8 +0 +0 +0\.2500\nall +1 /)
})

const MISTAKES: readonly [string[], RegExp][] = [
  [['--by', 'week'], /--by: /],
  [['--by'], /--by takes day\|folder/],
  [['--json=1'], /--json takes no value/],
  [['--data-dir', '/nowhere/at/all'], /Nothing is kept in \/nowhere\/at\/all/],
  [['--tz', 'Mars/Base'], /There is no time zone Mars\/Base/],
]

test('a mistake is told in a sentence', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  program.signal('SIGTERM')
  await program.exit
  for (const [args, sentence] of MISTAKES) {
    const { code, stderr } = await runToEnd(world, ['usage', '--data-dir', world.dataDir, ...args])
    expect([args, code]).toEqual([args, 1])
    expect(stderr).toMatch(sentence)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  }
})
