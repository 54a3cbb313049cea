import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forgetDaily } from '../../src/core/forget.ts'

beforeEach(() => void vi.useFakeTimers({ now: 10_000 }))
afterEach(() => void vi.useRealTimers())

const DAY_MS = 24 * 3_600_000

/** Forgets what there is, some at a time. */
function forgetting(forget: (before: number) => Promise<number>) {
  const complaints: string[] = []
  const log = { info() {}, warn: (message: string) => void complaints.push(message), error() {} }
  const forgets = forgetDaily({ clock: { now: Date.now }, log, what: 'old requests', keepMs: 1000, forget })
  return { forgets, complaints }
}

test('what is old is forgotten at once and every day, until nothing of it is left', async () => {
  let left = 3
  const asked: number[] = []
  const { forgets, complaints } = forgetting(async (before) => (asked.push(before), left > 0 ? left-- : 0))
  await vi.advanceTimersByTimeAsync(0)
  expect(asked).toEqual([9000, 9000, 9000, 9000])
  left = 1
  await vi.advanceTimersByTimeAsync(DAY_MS)
  expect(asked.slice(4)).toEqual([9000 + DAY_MS, 9000 + DAY_MS])
  forgets[Symbol.dispose]()
  await vi.advanceTimersByTimeAsync(2 * DAY_MS)
  expect(asked).toHaveLength(6)
  expect(complaints).toEqual([])
})

test('what cannot be forgotten is told, and tried again the next day', async () => {
  let fails = true
  let forgotten = 0
  const { forgets, complaints } = forgetting(async () => {
    if (fails) throw new Error('database or disk is full')
    forgotten++
    return 0
  })
  await vi.advanceTimersByTimeAsync(0)
  expect(complaints).toEqual(['old requests could not be forgotten'])
  fails = false
  await vi.advanceTimersByTimeAsync(DAY_MS)
  expect(forgotten).toBe(1)
  forgets[Symbol.dispose]()
})

test('that the store closes at a stop, amid it, is no failure', async () => {
  const { promise, reject } = Promise.withResolvers<number>()
  const { forgets, complaints } = forgetting(() => promise)
  forgets[Symbol.dispose]()
  reject(new Error('the store is closed'))
  await vi.advanceTimersByTimeAsync(0)
  expect(complaints).toEqual([])
})
