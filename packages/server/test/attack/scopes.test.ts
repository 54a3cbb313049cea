import { expect, test } from 'vitest'
import { call, stream } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { newToken } from '../support/tokens.ts'
import { atPrompt, interrupt, queueOf, runIdOf } from '../http/calls.ts'
import { expectError } from '../http/expectations.ts'

/** A token that may run and not approve: what somebody else has allowed beforehand is not for words of its own. */

test('a prompt that was allowed more than a token may allow cannot be given other words by it', async () => {
  await using service = await startTestService()
  const { headers } = await newToken(service, { scopes: ['read', 'run'] })
  const { headers: whole } = await newToken(service)
  const body = { conversation_id: 'c', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@hang' })
  const queued = async (text: string, more: object) =>
    runIdOf(await stream(service.base, { ...body, text, when_busy: 'queue', ...more }))
  const unasked = [
    await queued('tools', { allowed_tools: ['Bash'] }),
    await queued('all', { tool_approvals: { allow: ['*'] } }),
    await queued('mode', { permission_mode: 'acceptEdits' }),
  ]
  const asked = await queued('asked', {})
  const edit = (prompt: string, change: object, as: object) =>
    call(`${service.base}/v1/queue/${prompt}`, { method: 'PATCH', body: change, headers: { ...as } })
  for (const prompt of unasked)
    expectError(await edit(prompt, { text: 'mine' }, headers), 403, 'forbidden_scope', { needed: 'approve' })
  expect((await queueOf(service, 'c')).map(({ text }) => text)).toEqual(['tools', 'all', 'mode', 'asked'])
  expect((await edit(asked, { text: 'mine' }, headers)).status).toBe(200)
  expect((await edit(unasked[0] ?? '', { position: 2 }, headers)).status).toBe(200)
  expect((await edit(unasked[0] ?? '', { text: 'theirs' }, whole)).status).toBe(200)
  expect((await queueOf(service, 'c')).map(({ text }) => text)).toEqual(['all', 'theirs', 'mode', 'mine'])
  for (const prompt of [...unasked, asked]) await atPrompt(service, 'DELETE', prompt)
  await interrupt(service, 'c')
  await running.ended
})

test('nor does a run that was allowed more take words of it: they wait for a run of their own', async () => {
  await using service = await startTestService()
  const { headers } = await newToken(service, { scopes: ['read', 'run'] })
  const { headers: whole } = await newToken(service)
  const body = { conversation_id: 'c', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@hang', tool_approvals: { allow: ['*'] } })
  await running.until(({ event }) => event.subtype === 'init')
  const send = async (text: string, as: object) => {
    const message = { text, when_busy: 'steer' }
    const url = `${service.base}/v1/conversations/c/messages`
    return (await call(url, { method: 'POST', body: message, headers: { ...as } })).json
  }
  const waiting = await send('mine', headers)
  expect(waiting).toMatchObject({ outcome: 'queued' })
  const path = `${service.base}/v1/queue/${String(waiting?.['run_id'])}/steer`
  expect((await call(path, { method: 'POST', headers })).json).toMatchObject({ state: 'queued' })
  expect(await send('theirs', whole)).toMatchObject({ outcome: 'steering' })
  expect((await queueOf(service, 'c')).map(({ text }) => text)).toEqual(['mine'])
  await interrupt(service, 'c', 'all')
  await running.ended
})
