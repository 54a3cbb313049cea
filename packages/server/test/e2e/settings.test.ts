import { expect, it } from 'vitest'
import { call } from '../support/client.ts'
import { change, history, made, run, send, show, told } from '../http/conversation-calls.ts'
import { agents, newWorld, PATIENCE, startProgram, type World } from './program.ts'

const at = (base: string, world: World) => ({ base, folder: () => world.folder('work') })
const modes = async (base: string, id: string) =>
  (await told({ base }, id, 'init')).map(({ permissionMode }) => permissionMode)

it('kill -9 while a run works without questions: the next run asks again, and says why', async () => {
  const world = await newWorld({ model: true })
  world.environment['IS_SANDBOX'] = '1'
  const first = await startProgram(world, ['--allow-bypass', 'true'])
  const id = await made(at(first.base, world))
  await change(first, id, { permission_mode: 'bypassPermissions' })
  await send(first, id, '@bash tail -f /dev/null')
  await expect.poll(() => modes(first.base, id), PATIENCE).toEqual(['bypassPermissions'])
  await first.kill()

  const second = await startProgram(world, ['--allow-bypass', 'true'])
  expect((await show(second, id)).permission_mode).toEqual({ asked: null, in_use: 'default' })
  await send(second, id, '@write asked.txt 1')
  const questions = () => call(`${second.base}/v1/approvals?conversation_id=${id}`)
  await expect.poll(async () => (await questions()).json?.['approvals'], PATIENCE).toHaveLength(1)
  expect(await modes(second.base, id)).toEqual(['bypassPermissions', 'default'])
  expect((await told(second, id, 'settings_changed')).at(-1)).toMatchObject({
    by: 'service',
    changes: [{ setting: 'permission_mode', from: 'bypassPermissions', to: null }],
  })
  expect((await show(second, id)).last_error).toMatchObject({ code: 'service_stopped' })
})

it('a change of model, effort or mode keeps the warm process, and what it has in its background', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const id = await made(at(program.base, world))
  const tools = { allowed_tools: ['Bash'] }
  await run(program, id, '@tool Bash {"command":"tail -f /dev/null","run_in_background":true}\n@end One.', tools)
  const warm = agents(program)
  expect(warm).toHaveLength(1)
  await change(program, id, { model: 'claude-sonnet-5-5', effort: 'low', permission_mode: 'acceptEdits' })
  await run(program, id, '@write unasked.txt 1\n@end Two.', tools)
  // A prompt of its own model takes it over, too.
  await run(program, id, 'Three.', { ...tools, model: 'claude-opus-5-5' })
  expect(agents(program)).toEqual(warm)
  const inits = (await history(program, id)).filter(({ event }) => event.subtype === 'init')
  expect(inits.slice(1).map(({ event }) => [event['model'], event['permissionMode']])).toEqual([
    ['claude-sonnet-5-5', 'acceptEdits'],
    ['claude-opus-5-5', 'acceptEdits'],
  ])
})

it('looking at conversations starts no agent', async () => {
  const world = await newWorld({ model: true })
  const program = await startProgram(world)
  const id = await made(at(program.base, world))
  await change(program, id, { model: 'claude-sonnet-5-5', permission_mode: 'plan' })
  await show(program, id)
  expect(agents(program)).toEqual([])
})
