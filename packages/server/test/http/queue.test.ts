import { expect, test } from 'vitest'
import { call, type Received, replay, stream, streamAll } from '../support/client.ts'
import { MOST_QUEUED } from '../../src/core/runs/prompt-machine.ts'
import { startTestService } from '../support/service.ts'
import { activate, atPrompt, interrupt, post, postStream, queueOf, resultsOf, runIdOf, textsOf } from './calls.ts'
import { expectInterrupted } from './contract/interrupts.ts'
import { expectError } from './expectations.ts'

/** Prompts to a busy folder. */

test('three that wait are served in order, each with its own end', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'line', cwd: service.folder() }
  const first = await stream(service.base, { ...body, text: '@hang' })
  const waiting = []
  for (const text of ['one', 'two', 'three'])
    waiting.push(await stream(service.base, { ...body, text, when_busy: 'queue' }))
  expect(waiting.map(({ headers }) => headers['x-proxy-outcome'])).toEqual(['queued', 'queued', 'queued'])
  expect((await queueOf(service, 'line')).map(({ text }) => text)).toEqual(['one', 'two', 'three'])
  await interrupt(service, 'line')
  await first.ended
  for (const [n, one] of waiting.entries()) {
    const received = await one.ended
    expect(received[0]?.event).toMatchObject({ subtype: 'prompt_queued', prompt_id: runIdOf(one) })
    expect(received.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
    // The end of the run that was open, and then of each in turn.
    expect(resultsOf(received)).toHaveLength(n + 2)
  }
  const all = await replay(service.base, 'line')
  expect(textsOf(all, 'user')).toEqual(['@hang', 'one', 'two', 'three'])
  const begun = all.filter(({ event }) => event.type === 'user').map(({ event }) => event['prompt_id'])
  expect(begun).toEqual([undefined, ...waiting.map(runIdOf)])
})

test('a prompt that waits is edited, moved and taken back; each is an event that every reader sees', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'edit', cwd: service.folder(), when_busy: 'queue' }
  const running = await stream(service.base, { ...body, text: '@hang' })
  const ids: string[] = []
  for (const text of ['one', 'two', 'three']) ids.push(runIdOf(await stream(service.base, { ...body, text })))
  const [one = '', two = '', three = ''] = ids
  expect((await atPrompt(service, 'PATCH', three, { position: 1 })).json).toMatchObject({ prompt_id: three })
  expect((await atPrompt(service, 'PATCH', one, { text: 'ONE' })).json).toMatchObject({ text: 'ONE', state: 'queued' })
  expect((await atPrompt(service, 'DELETE', two)).json).toMatchObject({ prompt_id: two, state: 'cancelled' })
  expect((await queueOf(service, 'edit')).map(({ text }) => text)).toEqual(['three', 'ONE'])
  expectError(await atPrompt(service, 'DELETE', two), 409, 'prompt_not_queued', { state: 'cancelled' })
  expectError(await atPrompt(service, 'PATCH', two, { text: 'x' }), 409, 'prompt_not_queued')
  expectError(await atPrompt(service, 'DELETE', 'nothing'), 404, 'prompt_unknown', { prompt_id: 'nothing' })
  for (const bad of [{}, { text: ' ' }, { position: 0 }, { position: 1.5 }, { text: 7 }])
    expectError(await atPrompt(service, 'PATCH', one, bad), 400, 'bad_request')
  const { id } = await running.until(({ event }) => event.subtype === 'prompt_cancelled')
  expect(running.received.slice(0, id).flatMap(({ event }) => event.subtype ?? [])).toEqual(
    expect.arrayContaining(['prompt_queued', 'prompt_edited', 'prompt_cancelled']),
  )
  await interrupt(service, 'edit')
  await expect.poll(async () => resultsOf(await replay(service.base, 'edit')).length).toBe(3)
  expect(textsOf(await replay(service.base, 'edit'), 'user')).toEqual(['@hang', 'three', 'ONE'])
})

test('who waits for a prompt that is taken back is told so, and the stream ends', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'back', cwd: service.folder(), when_busy: 'queue' }
  await stream(service.base, { ...body, text: '@hang' })
  const waiting = await stream(service.base, { ...body, text: 'never mind' })
  await atPrompt(service, 'DELETE', runIdOf(waiting))
  const last = (await waiting.ended).at(-1)
  expect(last?.event).toMatchObject({ subtype: 'prompt_cancelled', prompt_id: runIdOf(waiting) })
})

test('a prompt that interrupts is next, and the run before it says what ended it', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'urgent', cwd: service.folder() }
  const first = await stream(service.base, { ...body, text: '@hang' })
  const second = await stream(service.base, { ...body, text: 'patient', when_busy: 'queue' })
  const urgent = await streamAll(service.base, { ...body, text: 'urgent', when_busy: 'interrupt' })
  expectInterrupted(await first.ended, 'Interrupted by a new prompt.')
  expect(urgent.at(-1)?.event).toMatchObject({ is_error: false })
  await second.ended
  expect(textsOf(await replay(service.base, 'urgent'), 'user')).toEqual(['@hang', 'urgent', 'patient'])
})

test('a busy folder serves its conversations in the order of arrival, whoever has the folder by then', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const ask = (id: string, text: string) => stream(service.base, { conversation_id: id, cwd, text, when_busy: 'queue' })
  const first = await ask('left', '@ask')
  const waiting = await ask('left', '@hang now')
  await interrupt(service, 'left')
  await first.ended
  await waiting.until(({ event }) => event['prompt_id'] === runIdOf(waiting) && event.type === 'user')
  // Another name leads to the same conversation, and waits with it.
  const other = await ask('right', 'mine')
  expect(await queueOf(service, 'left')).toMatchObject([{ text: 'mine', conversation_id: 'left' }])
  expectError(await call(`${service.base}/v1/conversations/right/queue`), 404, 'conversation_unknown')
  await interrupt(service, 'left')
  expect((await other.ended).at(-1)?.event).toMatchObject({ is_error: false })
})

test('one that begins at once when it can needs no queue, and nothing else changes', async () => {
  await using service = await startTestService()
  for (const when_busy of ['reject', 'queue', 'steer', 'interrupt']) {
    const body = { conversation_id: when_busy, cwd: service.folder(), text: 'hello', when_busy }
    const received = await streamAll(service.base, body)
    expect(received.map(({ event }) => event.subtype ?? event.type)).toEqual(['user', 'init', 'assistant', 'success'])
  }
  const bad = { conversation_id: 'x', cwd: service.folder(), text: 'hello', when_busy: 'maybe' }
  expectError(await postStream(service, bad), 400, 'bad_request')
})

test('a run is steered while it works: it takes the words, and says so', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'wheel', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@hang' })
  await running.until(({ event }) => event.subtype === 'init')
  const steering = await stream(service.base, { ...body, text: 'to the left', when_busy: 'steer' })
  expect(steering.headers['x-proxy-outcome']).toBe('steering')
  const told = await running.until(({ event }) => event.subtype === 'prompt_steered')
  expect(told.event).toMatchObject({ prompt_id: runIdOf(steering) })
  await running.until(isSaid('You steered me: to the left'))
  const prompt = running.received.find(({ event }) => event['steer'] === true)
  expect(prompt?.event).toMatchObject({ type: 'user', prompt_id: runIdOf(steering) })
  expect(prompt?.id).toBeLessThan(told.id)
  await interrupt(service, 'wheel')
  // Who steered sees the end of the run that took the words.
  const received = await steering.ended
  expectInterrupted(received)
  expect(received[0]?.id).toBe(prompt?.id)
  expect(await running.ended).toEqual(await replay(service.base, 'wheel'))
  expectError(await post(service, `/v1/queue/${runIdOf(steering)}/steer`, {}), 409, 'prompt_not_queued')
})

test('a prompt that waits is promoted to steer the run', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'promote', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@hang' })
  await running.until(({ event }) => event.subtype === 'init')
  const waiting = await stream(service.base, { ...body, text: 'hurry', when_busy: 'queue' })
  const answer = await post(service, `/v1/queue/${runIdOf(waiting)}/steer`, {})
  expect(answer).toMatchObject({ status: 200, json: { prompt_id: runIdOf(waiting) } })
  expect(answer.json?.['state']).toMatch(/^steer/)
  await running.until(isSaid('You steered me: hurry'))
  expect(await queueOf(service, 'promote')).toEqual([])
  await interrupt(service, 'promote')
  expectInterrupted(await waiting.ended)
})

test('what the run did not take is next, and is not lost', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'late', cwd: service.folder() }
  // Between two of its texts it takes nothing.
  const running = await stream(service.base, { ...body, text: '@load n=1000000 rate=20' })
  await running.until(({ event }) => event.type === 'assistant')
  const steering = await stream(service.base, { ...body, text: 'too late', when_busy: 'steer' })
  expect(steering.headers['x-proxy-outcome']).toBe('steering')
  const patient = await stream(service.base, { ...body, text: 'patient', when_busy: 'queue' })
  await interrupt(service, 'late')
  expectInterrupted(await running.ended)
  const received = await steering.ended
  expect(received.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  expect(textsOf(received)).toContain('I am a scripted agent, not a model. You said: too late')
  await patient.ended
  expect(textsOf(await replay(service.base, 'late'), 'user')).toEqual([
    '@load n=1000000 rate=20',
    'too late',
    'too late',
    'patient',
  ])
})

test('what waits survives a restart, in its order', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'again', cwd: service.folder(), when_busy: 'queue' }
  await stream(service.base, { ...body, text: '@hang' })
  for (const text of ['one', 'two']) await stream(service.base, { ...body, text })
  await service.restart()
  await expect.poll(async () => resultsOf(await replay(service.base, 'again')).length).toBe(3)
  expect(textsOf(await replay(service.base, 'again'), 'user')).toEqual(['@hang', 'one', 'two'])
})

test('a folder with prompts that wait for its run keeps its conversation', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const running = await stream(service.base, { conversation_id: 'first', cwd, text: '@hang' })
  expectError(await activate(service, 'second', cwd), 409, 'agent_folder_busy')
  const waiting = await stream(service.base, { conversation_id: 'first', cwd, text: 'one', when_busy: 'queue' })
  await interrupt(service, 'first')
  await running.ended
  expect(textsOf(await waiting.ended, 'user')).toEqual(['one'])
  expect((await activate(service, 'second', cwd)).status).toBe(200)
  expect((await replay(service.base, 'second')).length).toBe(0)
})

test('a prompt that waits for the run of another conversation does not steer it', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  for (const conversation_id of ['first', 'second']) await post(service, '/v1/conversations', { cwd, conversation_id })
  const running = await post(service, '/v1/conversations/first/messages', { text: '@hang' })
  const waiting = await post(service, '/v1/conversations/second/messages', { text: 'mine', when_busy: 'steer' })
  expect(waiting.json).toMatchObject({ outcome: 'queued', queue_position: 1 })
  const answer = await post(service, `/v1/queue/${String(waiting.json?.['run_id'])}/steer`, {})
  expect(answer).toMatchObject({ status: 200, json: { state: 'queued', text: 'mine' } })
  await interrupt(service, 'first')
  await expect.poll(async () => resultsOf(await replay(service.base, 'second')).length).toBe(1)
  expect(JSON.stringify(await replay(service.base, 'first'))).not.toContain('mine')
  expect(running.json).toMatchObject({ outcome: 'begun' })
})

test('more prompts than anybody can mean are refused, and those that wait go on waiting', async () => {
  await using service = await startTestService({ config: { store: 'memory' } })
  const body = { conversation_id: 'flood', cwd: service.folder() }
  await stream(service.base, { ...body, text: '@hang' })
  const send = () => post(service, '/v1/conversations/flood/messages', { text: 'more' })
  const answers = []
  while (answers.length < MOST_QUEUED + 5) answers.push(...(await Promise.all(Array.from({ length: 67 }, send))))
  const refused = answers.filter(({ status }) => status !== 202)
  expect(answers.length - refused.length).toBe(MOST_QUEUED)
  for (const each of refused) expectError(each, 409, 'queue_full')
  expect(await queueOf(service, 'flood')).toHaveLength(MOST_QUEUED)
  await interrupt(service, 'flood', 'all')
})

function isSaid(words: string): (received: Received) => boolean {
  return (received) => textsOf([received]).includes(words)
}
