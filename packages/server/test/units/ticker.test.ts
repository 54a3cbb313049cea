import { expect, it } from 'vitest'
import { createTicker } from '../../src/agents/scripted/ticker.ts'

it('many who keep a pace are each woken at their own moments, none early by more than a millisecond, and in order', async () => {
  const ticker = createTicker()
  const { signal } = new AbortController()
  const start = performance.now()
  const woken: number[] = []
  const all = Array.from({ length: 50 }, async (_, each) => {
    using pace = ticker.pace(signal)
    for (let n = 1; n <= 10; n++) {
      const moment = start + n * 7 + each / 10
      await pace.until(moment)
      expect(performance.now()).toBeGreaterThan(moment - 1)
      woken.push(Math.floor(moment - start))
    }
  })
  await Promise.all(all)
  expect(woken).toHaveLength(500)
  // A tick wakes all of its millisecond: neighbours may change places, rounds may not.
  expect(woken.map((at) => Math.floor((at + 1) / 7))).toEqual(woken.map((_, index) => 1 + Math.floor(index / 50)))
})

it('whoever comes with an earlier moment is woken before those who wait already', async () => {
  const ticker = createTicker()
  const { signal } = new AbortController()
  const [late, soon] = [ticker.pace(signal), ticker.pace(signal)]
  const start = performance.now()
  const order: string[] = []
  await Promise.all([
    late.until(start + 60).then(() => order.push('late')),
    soon.until(start + 5).then(() => order.push('soon')),
  ])
  expect(order).toEqual(['soon', 'late'])
})

it('who is to stop does not wait any longer, and nobody else notices', async () => {
  const ticker = createTicker()
  const stop = new AbortController()
  const stopped = ticker.pace(stop.signal).until(performance.now() + 3_600_000)
  const other = ticker.pace(new AbortController().signal).until(performance.now() + 20)
  stop.abort(new Error('enough'))
  await expect(stopped).rejects.toThrow('enough')
  await expect(ticker.pace(stop.signal).until(performance.now())).rejects.toThrow('enough')
  await other
})

it('nothing keeps the process when all who waited were stopped', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const stop = new AbortController()
  const stopped = createTicker()
    .pace(stop.signal)
    .until(performance.now() + 3_600_000)
  expect(timers()).toBe(before + 1)
  stop.abort(new Error('enough'))
  expect(timers()).toBe(before)
  return expect(stopped).rejects.toThrow('enough')
})
