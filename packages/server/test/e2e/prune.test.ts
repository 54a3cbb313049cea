import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { atRest, made, send } from '../http/conversation-calls.ts'
import { prompt } from './conversation.ts'
import { newWorld, runToEnd, startProgram, startToKill } from './program.ts'

const SCRIPTED = ['--agent', 'scripted']

test('claude-proxy prune says what would go, needs the data for itself, and may be killed at any moment', async () => {
  const world = await newWorld()
  const program = await startProgram(world, SCRIPTED)
  const service = { base: program.base, folder: () => world.folder('a') }
  const ids = await Promise.all(Array.from({ length: 12 }, () => made(service)))
  for (const id of ids) {
    await send(service, id, '@load n=100 rate=0 size=1000')
    await atRest(service, id)
  }
  const prune = (...args: string[]) => runToEnd(world, ['prune', '--data-dir', world.dataDir, ...args])
  const dry = await prune('--older-than', '0h', '--dry-run')
  expect(dry.stdout).toMatch(/12 conversations would go, 1\.\d MB\n$/)
  expect((await prune('--older-than=0h')).stderr).toMatch(/is using the data directory/)
  expect((await prune('--older-than', '3 weeks')).stderr).toMatch(/has to be a number and d or h/)
  expect((await prune()).stderr).toMatch(/Say what to keep/)
  program.signal('SIGTERM')
  await program.exit
  const { stdout: kept } = await prune('--older-than', '1d')
  expect(kept).toBe('0 conversations deleted, 0.0 MB\n')

  const started = Date.now()
  await startToKill(
    world,
    ['prune', '--data-dir', world.dataDir, '--older-than', '0h'],
    () => Date.now() > started + 700,
  )
  const whole = await runToEnd(world, ['integrity', '--data-dir', world.dataDir])
  expect(whole.stdout).toMatch(/all is well/)
  const { code, stdout } = await prune('--older-than', '0h')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\d+ conversations deleted/)])
  const { stdout: trail } = await runToEnd(world, ['audit', '--data-dir', world.dataDir])
  const noted = ids.filter((id) => trail.includes(`prune  ${id} ${world.folder('a')}`))
  // The kill may have come between one deletion and its entry.
  expect(noted.length).toBeGreaterThanOrEqual(ids.length - 1)
  const again = await startProgram(world, SCRIPTED)
  const statuses = await Promise.all(ids.map(async (id) => (await call(`${again.base}/v1/conversations/${id}`)).status))
  expect(new Set(statuses)).toEqual(new Set([404]))
}, 60_000)

test('claude-proxy prune takes a conversation that is named, also the one that its folder leads to', async () => {
  const world = await newWorld()
  const cwd = world.folder('a')
  const program = await startProgram(world, SCRIPTED)
  const live = await prompt(program, { id: 'own', cwd }, '@say One.')
  await live.ended
  program.signal('SIGTERM')
  await program.exit
  const prune = (...args: string[]) => runToEnd(world, ['prune', ...args, '--data-dir', world.dataDir])
  expect((await prune('--older-than', '0h')).stdout).toMatch(/^0 conversations deleted/)
  expect((await prune('nobody')).stderr).toMatch(/There is no conversation nobody/)
  expect((await prune('own', '--keep-size', '1GB')).stderr).toMatch(/not both/)
  expect((await prune('own', '--dry-run')).stdout).toBe(`own  ${cwd}  would go\n`)
  expect((await prune('own')).stdout).toBe(`own  ${cwd}  deleted\n`)
  expect((await prune('own')).stderr).toMatch(/There is no conversation own/)
  const again = await startProgram(world, SCRIPTED)
  expect((await call(`${again.base}/v1/conversations/own`)).status).toBe(404)
}, 60_000)
