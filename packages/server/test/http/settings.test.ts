import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AgentName, startTestService, type TestService } from '../support/service.ts'
import { interrupt, post } from './calls.ts'
import { allow, asked, atRest, change, history, made, PATIENCE, run, send, show, told } from './conversation-calls.ts'
import { expectError } from './expectations.ts'
import { CLAUDE, SCRIPTED, type Words } from './words.ts'

/** What a conversation is set to, and when it holds: PROTOCOL.md section 3.19. */

const AGENTS: [AgentName, Words][] = [
  ['scripted', SCRIPTED],
  ['claude', CLAUDE],
]

const inits = async (service: TestService, id: string) =>
  (await told(service, id, 'init')).map(({ model, permissionMode }) => ({ model, permissionMode }))

/** What the Messages API was asked with, leaving out the agent's side requests. */
const requests = (service: TestService) =>
  (service.model?.requests() ?? [])
    .filter(({ tools }) => tools.length > 0)
    .map(({ model, effort }) => ({ model, effort }))

test.each(AGENTS)('with %s settings hold from the next run on, until they are reset', async (agent, words) => {
  await using service = await startTestService({ agent })
  const id = await made(service)
  await run(service, id, words.say('One.'))
  const patch = { model: 'claude-sonnet-5-5', permission_mode: 'plan', effort: 'low' }
  const changed = await change(service, id, patch, { 'user-agent': 'a-phone' })
  expect(changed).toMatchObject({
    status: 200,
    json: {
      model: { asked: 'claude-sonnet-5-5' },
      effort: { asked: 'low' },
      permission_mode: { asked: 'plan', in_use: 'plan' },
      takes_effect: { model: 'next_run', effort: 'next_run', permission_mode: 'next_run' },
    },
  })
  expect(await told(service, id, 'settings_changed')).toMatchObject([
    {
      by: 'a-phone',
      changes: [
        { setting: 'model', from: null, to: 'claude-sonnet-5-5', takes_effect: 'next_run' },
        { setting: 'effort', from: null, to: 'low', takes_effect: 'next_run' },
        { setting: 'permission_mode', from: null, to: 'plan', takes_effect: 'next_run' },
      ],
    },
  ])
  const second = await run(service, id, words.say('Two.'))
  expect(second).toMatchObject({
    model: { asked: 'claude-sonnet-5-5', in_use: 'claude-sonnet-5-5' },
    effort: { asked: 'low', in_use: 'low' },
  })
  await change(service, id, { model: null, effort: null, permission_mode: null })
  const third = await run(service, id, words.say('Three.'))
  expect(third).toMatchObject({
    model: { asked: null },
    effort: { asked: null },
    permission_mode: { in_use: 'default' },
  })
  const seen = await inits(service, id)
  expect(seen[1]).toEqual({ model: 'claude-sonnet-5-5', permissionMode: 'plan' })
  expect(seen[2]).toEqual(seen[0])
})

test.each(AGENTS)("with %s a run's own options win, and leave the settings as they are", async (agent, words) => {
  await using service = await startTestService({ agent })
  const id = await made(service)
  await change(service, id, { model: 'claude-sonnet-5-5', permission_mode: 'plan', effort: 'low' })
  const own = { model: 'claude-opus-5-5', permission_mode: 'acceptEdits', effort: 'max' }
  const shown = await run(service, id, words.say('One.'), own)
  expect(await inits(service, id)).toEqual([{ model: 'claude-opus-5-5', permissionMode: 'acceptEdits' }])
  expect(shown).toMatchObject({
    model: { asked: 'claude-sonnet-5-5', in_use: 'claude-opus-5-5' },
    effort: { asked: 'low', in_use: 'max' },
    permission_mode: { asked: 'plan', in_use: 'plan' },
  })
  await run(service, id, words.say('Two.'))
  expect((await inits(service, id))[1]).toEqual({ model: 'claude-sonnet-5-5', permissionMode: 'plan' })
})

test.each(AGENTS)('with %s a run that is under way takes on model and mode at once', async (agent, words) => {
  await using service = await startTestService({ agent })
  const id = await made(service)
  await send(service, id, words.ask)
  await asked(service, id)
  const changed = await change(service, id, { model: 'claude-opus-5-5', permission_mode: 'plan', effort: 'max' })
  expect(changed.json).toMatchObject({
    model: { asked: 'claude-opus-5-5', in_use: 'claude-opus-5-5' },
    permission_mode: { asked: 'plan', in_use: 'plan' },
    takes_effect: { model: 'now', permission_mode: 'now', effort: 'next_run' },
  })
  expect(await show(service, id)).toMatchObject({ permission_mode: { in_use: 'plan' } })
  expect((await told(service, id, 'settings_changed')).map(({ changes }) => changes)).toMatchObject([
    [
      { setting: 'model', to: 'claude-opus-5-5', takes_effect: 'now' },
      { setting: 'effort', to: 'max', takes_effect: 'next_run' },
      { setting: 'permission_mode', to: 'plan', takes_effect: 'now' },
    ],
  ])
  await interrupt(service, id)
  await atRest(service, id)
})

test('a prompt that waits begins with what is set by then', async () => {
  await using service = await startTestService()
  const id = await made(service)
  await send(service, id, '@hang')
  await expect.poll(() => inits(service, id), PATIENCE).toHaveLength(1)
  await send(service, id, 'The next one.')
  await change(service, id, { model: 'another' })
  await interrupt(service, id)
  // At rest is also the moment between the two.
  await expect.poll(() => inits(service, id), PATIENCE).toMatchObject([{ model: 'scripted' }, { model: 'another' }])
})

test.each([
  [{ permission_mode: 'auto' }, /permission_mode auto .*CLAUDE_PROXY_ALLOW_BYPASS/],
  [{ permission_mode: 'bypassPermissions' }, /permission_mode bypassPermissions .*CLAUDE_PROXY_ALLOW_BYPASS/],
  [{ permission_mode: 'everything' }, /permission_mode has to be one of/],
  [{ effort: 'enormous' }, /effort has to be one of low, medium, high, xhigh, max/],
  [{ effort: 7 }, /effort/],
  [{ model: '' }, /model must be the name of a model/],
  [{ model: '--dangerously-skip-permissions' }, /model must be the name of a model/],
  [{ model: 'a b' }, /model must be the name of a model/],
  [{ model: `m${'x'.repeat(256)}` }, /model must be the name of a model/],
  [{}, /needs something to change/],
])('%j is refused and changes nothing, not even what came with it', async (body, sentence) => {
  await using service = await startTestService()
  const id = await made(service)
  const refused = await change(
    service,
    id,
    Object.keys(body).length > 0 ? { title: 'New', archived: true, ...body } : body,
  )
  expectError(refused, 400, 'bad_request')
  expect(refused.json?.['message']).toMatch(sentence)
  expect(await show(service, id)).toMatchObject({
    title: null,
    model: { asked: null },
    effort: { asked: null },
    permission_mode: { asked: null, in_use: 'default' },
  })
  expect(await history(service, id)).toEqual([])
})

test.each(['enormous', 7, []])('a prompt with the effort %j is refused at both doors', async (effort) => {
  await using service = await startTestService()
  const cwd = service.folder()
  const id = await made(service, cwd)
  expectError(await post(service, `/v1/conversations/${id}/messages`, { text: 'x', effort }), 400, 'bad_request')
  const old = { conversation_id: 'old', cwd, text: 'x', effort }
  expectError(await post(service, '/v1/agent/stream', old), 400, 'bad_request')
  expect(await history(service, id)).toEqual([])
})

test('what is set already, or never was, is no news', async () => {
  await using service = await startTestService()
  const id = await made(service)
  await change(service, id, { model: 'a', effort: 'high' })
  await change(service, id, { model: 'a', effort: 'high', permission_mode: null })
  expect(await told(service, id, 'settings_changed')).toHaveLength(1)
  expectError(await change(service, 'nobody', { model: 'a' }), 404, 'conversation_unknown')
})

test('many that set the model at once each replace another one, and the last one holds', async () => {
  await using service = await startTestService()
  const id = await made(service)
  await Promise.all(Array.from({ length: 8 }, (_, n) => change(service, id, { model: `m${n}` })))
  const changes = (await told(service, id, 'settings_changed')).flatMap((event) => event['changes'] as object[])
  const steps = changes as { from: string | null; to: string }[]
  expect(steps).toHaveLength(8)
  for (const [n, { from }] of steps.entries()) expect(from).toBe(steps[n - 1]?.to ?? null)
  expect((await show(service, id)).model.asked).toBe(steps.at(-1)?.to)
})

test.each(['auto', 'bypassPermissions'])(
  'the mode %s holds until the service starts again; then the next run says that it is gone',
  async (mode) => {
    await using service = await startTestService({ config: { allowBypass: true } })
    const id = await made(service)
    await change(service, id, { permission_mode: mode, model: 'kept' })
    await run(service, id, 'One.')
    expect(await inits(service, id)).toEqual([{ model: 'kept', permissionMode: mode }])
    await service.restart()
    expect((await show(service, id)).permission_mode).toEqual({ asked: null, in_use: 'default' })
    expect(await told(service, id, 'settings_changed')).toHaveLength(1)
    await run(service, id, 'Two.')
    expect((await inits(service, id))[1]).toEqual({ model: 'kept', permissionMode: 'default' })
    expect((await told(service, id, 'settings_changed'))[1]).toMatchObject({
      by: 'service',
      content: expect.stringContaining('restart'),
      changes: [{ setting: 'permission_mode', from: mode, to: null }],
    })
    await run(service, id, 'Three.')
    expect(await told(service, id, 'settings_changed')).toHaveLength(2)
    // Asked for again, it is there again.
    await change(service, id, { permission_mode: mode })
    await run(service, id, 'Four.')
    expect((await inits(service, id)).at(-1)).toMatchObject({ permissionMode: mode })
  },
)

test('other settings outlive a restart', async () => {
  await using service = await startTestService()
  const id = await made(service)
  await change(service, id, { permission_mode: 'acceptEdits', effort: 'xhigh', model: 'm' })
  await service.restart()
  expect(await run(service, id, 'One.')).toMatchObject({
    model: { asked: 'm', in_use: 'm' },
    effort: { asked: 'xhigh', in_use: 'xhigh' },
    permission_mode: { asked: 'acceptEdits' },
  })
  expect(await inits(service, id)).toEqual([{ model: 'm', permissionMode: 'acceptEdits' }])
})

test('the very next request of a run goes to the model that was set in its middle; the effort waits for the next run', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await made(service)
  await change(service, id, { model: 'claude-sonnet-5-5', effort: 'low' })
  await send(service, id, '@bash touch a.txt\n@end Done.')
  const question = await asked(service, id)
  await change(service, id, { model: 'claude-opus-5-5', effort: 'max' })
  await allow(service, question)
  await atRest(service, id)
  await run(service, id, 'Again.')
  await change(service, id, { effort: null })
  await run(service, id, 'And again.')
  expect(requests(service)).toEqual([
    { model: 'claude-sonnet-5-5', effort: 'low' },
    { model: 'claude-opus-5-5', effort: 'low' },
    { model: 'claude-opus-5-5', effort: 'max' },
    { model: 'claude-opus-5-5', effort: 'medium' },
  ])
  // Ours tells of it; the agent's own words about it are left out.
  expect((await history(service, id)).filter(({ data }) => data.includes('local-command-stdout'))).toEqual([])
})

test('a model without effort is asked without one, and that is what is shown', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await made(service)
  await change(service, id, { model: 'claude-sonnet-4-5', effort: 'max' })
  const shown = await run(service, id, 'Hello')
  expect(shown).toMatchObject({ effort: { asked: 'max', in_use: null }, model: { in_use: 'claude-sonnet-4-5' } })
  expect(requests(service)).toEqual([{ model: 'claude-sonnet-4-5', effort: undefined }])
})

test('a model that the Messages API does not have is refused by a process that lives, and otherwise ends the next run', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await made(service)
  await send(service, id, '@bash touch a.txt')
  const question = await asked(service, id)
  const refused = await change(service, id, { model: 'no-such-model', permission_mode: 'plan', title: 'New' })
  expectError(refused, 409, 'setting_refused')
  expect(refused.json).toMatchObject({ setting: 'model', message: expect.stringContaining('no-such-model') })
  expect(await show(service, id)).toMatchObject({
    title: '@bash touch a.txt',
    model: { asked: null },
    permission_mode: { asked: null },
  })
  // The agent was in the other mode for a moment, and says itself that it is back.
  await expect.poll(async () => (await show(service, id)).permission_mode.in_use, PATIENCE).toBe('default')
  await allow(service, question)
  expect((await atRest(service, id)).last_error).toBeNull()
  expectError(await change(service, id, { model: 'no-such-model' }), 409, 'setting_refused')
  expect(await told(service, id, 'settings_changed')).toEqual([])
  await service.restart()
  expect((await change(service, id, { model: 'no-such-model' })).status).toBe(200)
  expect((await run(service, id, 'Hello')).last_error).toMatchObject({ code: 'api_error' })
  await change(service, id, { model: null })
  expect((await run(service, id, 'Hello')).last_error).toBeNull()
})

test('a mode is in effect where it counts: in the middle of a run, and in the runs after it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const id = await made(service, cwd)
  await send(service, id, '@write one.txt 1\n@write two.txt 2\n@end Done.')
  const question = await asked(service, id)
  await change(service, id, { permission_mode: 'acceptEdits' })
  await allow(service, question)
  await atRest(service, id)
  expect(existsSync(join(cwd, 'two.txt'))).toBe(true)
  expect(await told(service, id, 'init')).toHaveLength(1)
  await run(service, id, '@write three.txt 3\n@end Done.')
  expect(existsSync(join(cwd, 'three.txt'))).toBe(true)
  const permissions = async () => (await history(service, id)).filter(({ event }) => event.type === 'tool_permission')
  expect(await permissions()).toHaveLength(1)
  await change(service, id, { permission_mode: 'default' })
  await send(service, id, '@write four.txt 4\n@end Done.')
  await asked(service, id)
  expect(existsSync(join(cwd, 'four.txt'))).toBe(false)
  await interrupt(service, id)
})

test('an agent that leaves its plan says so, and the settings follow', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await made(service)
  await change(service, id, { permission_mode: 'plan' })
  await send(service, id, '@tool ExitPlanMode {}\n@end Done.', { can_answer: ['plan'] })
  await allow(service, await asked(service, id))
  const shown = await atRest(service, id)
  expect(shown.permission_mode).toEqual({ asked: null, in_use: 'default' })
  expect((await told(service, id, 'settings_changed')).at(-1)).toMatchObject({
    by: 'agent',
    changes: [{ setting: 'permission_mode', from: 'plan', to: 'default', takes_effect: 'now' }],
  })
  await run(service, id, 'Hello', { can_answer: ['plan'] })
  expect((await inits(service, id)).map(({ permissionMode }) => permissionMode)).toEqual(['plan', 'default'])
})

test('a prompt that asks for a plan gets one, also from a warm process that has left its own', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const id = await made(service)
  const own = { permission_mode: 'plan', can_answer: ['plan'] }
  await send(service, id, '@tool ExitPlanMode {}\n@end Done.', own)
  await allow(service, await asked(service, id))
  await atRest(service, id)
  await run(service, id, 'Hello', own)
  expect((await inits(service, id)).map(({ permissionMode }) => permissionMode)).toEqual(['plan', 'plan'])
  expect((await show(service, id)).permission_mode.asked).toBeNull()
})

test('the mode without questions takes another process, and so waits for the next run', async () => {
  const environment = { IS_SANDBOX: '1' }
  await using service = await startTestService({ agent: 'claude', config: { allowBypass: true }, environment })
  const cwd = service.folder()
  const id = await made(service, cwd)
  await send(service, id, '@write one.txt 1\n@end Done.')
  const question = await asked(service, id)
  const changed = await change(service, id, { permission_mode: 'bypassPermissions' })
  expect(changed.json).toMatchObject({
    permission_mode: { asked: 'bypassPermissions', in_use: 'default' },
    takes_effect: { permission_mode: 'next_run' },
  })
  await allow(service, question)
  await atRest(service, id)
  await run(service, id, '@write two.txt 2\n@end Done.')
  expect(existsSync(join(cwd, 'two.txt'))).toBe(true)
  await change(service, id, { permission_mode: null })
  await send(service, id, '@write three.txt 3\n@end Done.')
  await asked(service, id)
  await interrupt(service, id)
})
