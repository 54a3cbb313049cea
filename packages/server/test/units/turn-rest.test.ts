import { expect, it, onTestFinished, vi } from 'vitest'
import type { RunId } from '@claude-proxy/protocol/ids'
import { asks, attached, completed, idle, init, result, running, started } from './turn-made-up.ts'

/** An agent that is idle although a run is not through. */

const A_MINUTE = 60_000

function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

it.each([
  ['says nothing of', []],
  ['says to be through with', [completed]],
  ['has cancelled', [{ ...started, state: 'cancelled' }]],
])('a prompt that an idle agent %s, without a result, is not waited for without end', async (_, said) => {
  holdTheClock()
  const { turn, take, outcome } = attached()
  take(...said, idle)
  vi.advanceTimersByTime(A_MINUTE - 1)
  expect(turn.ended).toBe(false)
  vi.advanceTimersByTime(1)
  // It must not begin with it later.
  expect(turn.leavesNothing).toBe(true)
  expect(await outcome()).toEqual(['end result/no_result The agent came to rest without an answer.'])
})

it('a prompt that was to steer, and that an idle agent passes over, leaves the run its result', async () => {
  holdTheClock()
  const { turn, take, outcome } = attached()
  take(running, started, init)
  turn.steer('p1' as RunId, 'Left!')
  take(result('One.'), completed, idle)
  vi.advanceTimersByTime(A_MINUTE)
  expect(turn.hasUntaken).toBe(true)
  expect((await outcome()).at(-1)).toBe('end result/success One.')
})

it.each([
  ['goes on', running],
  ['begins', init],
  ['asks', asks],
])('an agent that %s after an idle may take its time', async (_, sign) => {
  holdTheClock()
  const { turn, take, outcome } = attached()
  take(idle, sign)
  vi.advanceTimersByTime(100 * A_MINUTE)
  expect(turn.ended).toBe(false)
  take(started, init, result('Mine.'), completed, idle)
  expect((await outcome()).at(-1)).toBe('end result/success Mine.')
})
