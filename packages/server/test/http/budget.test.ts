import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { post } from './calls.ts'
import { atRest, history, made, PATIENCE, run, send, show } from './conversation-calls.ts'
import { SCRIPTED } from './words.ts'

/** What runs may cost: PROTOCOL.md section 3.23. */

test('when the budget of the day is spent, no run begins, those at work are interrupted, and what waits goes on waiting', async () => {
  await using service = await startTestService({ config: { maxDayUsd: 0.5 } })
  const [spender, other] = [await made(service), await made(service)]
  await run(service, spender, SCRIPTED.use(1, 1))
  const going = { conversation_id: 'going', cwd: service.folder(), text: '@load n=100000 rate=20 size=10' }
  const stream = await fetch(`${service.base}/v1/agent/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(going),
  })
  expect(stream.status).toBe(200)
  await send(service, 'going', 'next')
  // It ends well itself: what it may cost is the agent's to see.
  expect((await run(service, spender, SCRIPTED.use(1, 1))).last_error).toBeNull()
  // The stream ends because its run does.
  await stream.text()
  const why = "Today's budget of 0.5 US dollars is spent."
  const events = (await history(service, 'going')).map(({ event }) => event)
  // What was on its way when it was told may come between.
  const told = events.find(({ subtype }) => subtype === 'budget_exhausted')
  expect([told, events.at(-1)]).toMatchObject([
    { type: 'system', subtype: 'budget_exhausted', content: why },
    { type: 'result', subtype: 'interrupted', is_error: true, result: why },
  ])
  const refused = await post(service, `/v1/conversations/${other}/messages`, { text: 'hi' })
  expect(refused.status).toBe(429)
  expect(refused.json).toMatchObject({
    error: 'budget_exhausted',
    limit_usd: 0.5,
    retry_after_ms: expect.any(Number),
    message: expect.stringMatching(/0\.5 US dollars is spent/),
  })
  expect(Number(refused.json?.['retry_after_ms'])).toBeLessThanOrEqual(86_400_000)
  expect(await history(service, other)).toEqual([])
  const door = await post(service, '/v1/agent/stream', { conversation_id: 'x', cwd: service.folder(), text: 'hi' })
  expect([door.status, (await call(`${service.base}/v1/conversations/x`)).status]).toEqual([429, 404])
  const queue = async () => (await call(`${service.base}/v1/conversations/going/queue`)).json?.['prompts']
  expect(await queue()).toMatchObject([{ text: 'next', state: 'queued' }])
  await service.restart()
  expect(await queue()).toMatchObject([{ text: 'next', state: 'queued' }])
  expect((await show(service, 'going')).runs).toBe(1)
})

test('what runs have cost that are still at work counts, and counts once', async () => {
  await using service = await startTestService({ config: { maxDayUsd: 1 } })
  const [first, second] = [await made(service), await made(service)]
  await send(service, first, `${SCRIPTED.use(1, 1)}\n@hang`)
  await run(service, second, SCRIPTED.use(1, 1))
  await run(service, second, SCRIPTED.use(1, 1))
  expect((await show(service, first)).state).toBe('running')
  await run(service, second, SCRIPTED.use(1, 1))
  await atRest(service, first)
  expect((await history(service, first)).at(-2)?.event.subtype).toBe('budget_exhausted')
})

test.each([
  ['asked for with the prompt', {}, { max_turns: 2 }],
  ['set by the operator', { maxRunTurns: 2 }, {}],
  ['set by the operator, whatever is asked for', { maxRunTurns: 2 }, { max_turns: 50 }],
])('a run of the real agent ends after so many turns as are %s', async (_, config, more) => {
  await using service = await startTestService({ agent: 'claude', config })
  const id = await made(service)
  await run(service, id, '@bash echo one\n@bash echo two\n@bash echo three\n@bash echo four', more)
  const events = (await history(service, id)).map(({ event }) => event)
  expect(events.at(-1)).toMatchObject({ type: 'result', subtype: 'error_max_turns', is_error: true })
  expect(JSON.stringify(events.slice(1))).not.toContain('echo four')
})

test.each([
  ['asked for with the prompt', {}, { max_budget_usd: 0.01 }],
  ['set by the operator', { maxRunUsd: 0.01 }, { max_budget_usd: 5 }],
  ['what is left of the day', { maxDayUsd: 0.01 }, {}],
])('a run of the real agent that costs more than is %s ends in the middle', async (_, config, more) => {
  await using service = await startTestService({ agent: 'claude', config })
  const id = await made(service)
  const costly = '@usage 1000000 1000\n@bash echo one\n@bash echo two\n@bash echo three'
  const shown = await run(service, id, costly, more)
  const events = (await history(service, id)).map(({ event }) => event)
  expect(events.at(-1)).toMatchObject({ type: 'result', subtype: 'error_max_budget_usd', is_error: true })
  // The prompt holds the words, too.
  expect(JSON.stringify(events.slice(1))).not.toContain('echo three')
  expect(shown.cost_usd).toBeGreaterThan(0.01)
  expect(shown.last_error).toMatchObject({ code: 'error_max_budget_usd' })
  expect(service.complaints).toEqual([])
})

test('each run of the real agent has its budget for itself', async () => {
  await using service = await startTestService({ agent: 'claude', config: { maxRunUsd: 0.5 } })
  const id = await made(service)
  const first = await run(service, id, '@usage 10000 1000')
  const cost = first.cost_usd ?? 0
  expect(cost).toBeGreaterThan(0)
  await using small = await startTestService({ agent: 'claude', config: { maxRunUsd: cost * 1.5 } })
  const other = await made(small)
  for (let n = 1; n <= 3; n++) {
    const shown = await run(small, other, '@usage 10000 1000')
    expect(shown).toMatchObject({ runs: n, last_error: null })
  }
})

test.each([0, -1, '1', 1e9])('max_budget_usd %j is refused', async (max) => {
  await using service = await startTestService()
  const id = await made(service)
  const answer = await post(service, `/v1/conversations/${id}/messages`, { text: 'hi', max_budget_usd: max })
  expect([answer.status, answer.json?.['error']]).toEqual([400, 'bad_request'])
  await expect.poll(async () => (await show(service, id)).runs, PATIENCE).toBe(0)
})
