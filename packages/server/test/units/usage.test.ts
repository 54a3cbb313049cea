import { expect, it } from 'vitest'
import type { UsageQuery } from '../../src/core/ports/usage.ts'
import { reportUsage, type UsageRequest } from '../../src/core/usage.ts'

const NOW = Date.parse('2026-11-23T23:30:00Z')

/** The periods that a report asks the store for, as instants. */
async function periodsOf(request: UsageRequest): Promise<string[][]> {
  const asked: UsageQuery[] = []
  const usage = (query: UsageQuery) => Promise.resolve((asked.push(query), []))
  await reportUsage({ usage }, request, NOW)
  return asked[0]?.periods.map(({ from, to }) => [from, to].map((at) => new Date(at).toISOString())) ?? []
}

it('a day lasts from midnight to midnight where its people are, also when the clocks change', async () => {
  const berlin = { by: 'day', timeZone: 'Europe/Berlin' } as const
  expect(await periodsOf({ ...berlin, from: '2026-03-28', to: '2026-03-29' })).toEqual([
    ['2026-03-27T23:00:00.000Z', '2026-03-28T23:00:00.000Z'],
    ['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
  ])
  // There is no midnight in Cairo on the last Friday of April.
  expect(await periodsOf({ by: 'day', timeZone: 'Africa/Cairo', from: '2026-04-24', to: '2026-04-24' })).toEqual([
    ['2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z'],
  ])
})

it('without days it is the thirty that end today, where that is', async () => {
  const utc = await periodsOf({ by: 'day', timeZone: 'UTC' })
  expect([utc.length, utc.at(-1)?.[0]]).toEqual([30, '2026-11-23T00:00:00.000Z'])
  const kathmandu = await periodsOf({ by: 'folder', timeZone: 'Asia/Kathmandu' })
  expect(kathmandu).toEqual([['2026-10-25T18:15:00.000Z', '2026-11-24T18:15:00.000Z']])
})
