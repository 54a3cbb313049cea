import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { type AgentName, startTestService } from '../support/service.ts'
import { made, run } from './conversation-calls.ts'
import { CLAUDE, SCRIPTED, type Words } from './words.ts'

/** What runs used: PROTOCOL.md section 3.23. */

const AGENTS: [AgentName, Words][] = [
  ['scripted', SCRIPTED],
  ['claude', CLAUDE],
]

test.each(AGENTS)('with %s sums are those of the runs, and survive a restart and deletions', async (agent, words) => {
  await using service = await startTestService({ agent })
  const ask = async (query: string) => (await call(`${service.base}/v1/usage?${query}`)).json ?? {}
  const cwd = service.folder()
  const [first, second] = [await made(service, cwd), await made(service)]
  const spent = [
    await run(service, first, words.use(1000, 50)),
    await run(service, second, words.use(30, 5)),
    await run(service, second, words.fail),
  ]
  const cost = (spent[0]?.cost_usd ?? 0) + (spent[2]?.cost_usd ?? 0)
  const today = new Date().toISOString().slice(0, 10)
  const byDay = await ask('')
  expect(byDay).toMatchObject({ by: 'day', tz: 'UTC', truncated: false })
  expect(byDay['total']).toMatchObject({
    runs: 3,
    outcomes: { succeeded: 2, interrupted: 0, failed: 1 },
    cost_usd: expect.closeTo(cost, 6),
    usage: { input_tokens: 1030, output_tokens: 55 },
  })
  // Midnight may come between the runs.
  if (byDay['to'] === today) expect(byDay['entries']).toEqual([{ day: today, ...(byDay['total'] as object) }])
  const byFolder = await ask(`by=folder&cwd=${encodeURIComponent(cwd)}`)
  expect(byFolder['entries']).toEqual([{ cwd, ...(byFolder['total'] as object) }])
  expect(byFolder['total']).toMatchObject({ runs: 1, usage: { input_tokens: 1000 } })
  expect(await ask('by=model')).toMatchObject({
    entries: [{ model: expect.any(String), runs: 2, outcomes: null, duration_ms: null }],
    total: byDay['total'],
  })
  await call(`${service.base}/v1/conversations/${first}`, { method: 'DELETE' })
  await service.restart()
  const byConversation = (await ask('by=conversation'))['entries'] as { conversation_id: string | null; runs: number }[]
  expect(new Map(byConversation.map((each) => [each.conversation_id, each.runs]))).toEqual(
    new Map([
      [null, 1],
      [second, 2],
    ]),
  )
  expect(await ask('')).toEqual(byDay)
})

const MISTAKES: readonly [string, RegExp][] = [
  ['by=week', /^by has to be one of/],
  ['from=2026-02-30', /^from must be a day/],
  ['from=0001-01-01', /^from is too long ago/],
  ['to=tomorrow', /^to must be a day/],
  ['from=2026-11-23&to=2026-11-22', /comes before/],
  ['from=2020-01-01&to=2026-01-01', /more than 1000 days/],
  ['to=9999-12-31', /^to is too far away/],
  ['tz=Mars/Base', /^There is no time zone Mars\/Base/],
  ['tz=%2B01:00', /^tz must be the name/],
  ['cwd=relative', /absolute/],
]

test('what cannot be asked is refused with a sentence', async () => {
  await using service = await startTestService()
  for (const [query, message] of MISTAKES) {
    const answer = await call(`${service.base}/v1/usage?${query}`)
    expect([query, answer.status]).toEqual([query, 400])
    expect(answer.json).toMatchObject({ error: 'bad_request', message: expect.stringMatching(message) })
  }
})
