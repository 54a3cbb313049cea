import { expect, it, vi } from 'vitest'
import { asks, attached, completed, idle, init, result, running, says, started } from './turn-made-up.ts'

it('nobody can end a run for a new prompt while its own prompt still waits', async () => {
  const { turn, take, surroundings, outcome } = attached()
  surroundings.agents = 2
  take(init, result('Of a task of the run before.'))
  expect(turn.endSettling()).toBe(false)
  take(started, init, says('Mine.'), result('Mine.'), completed)
  expect(turn.endSettling()).toBe(true)
  expect((await outcome()).at(-1)).toBe('end result/success Mine.')
})

it('waits for agents in the background, also when the process is idle', async () => {
  const { turn, take, surroundings, outcome } = attached()
  surroundings.agents = 1
  take(started, init, result('Begun.'), completed, idle)
  expect(turn.ended).toBe(false)
  surroundings.agents = 0
  take(init, says('Done.'), result('Done.'), idle)
  expect((await outcome()).slice(-2)).toEqual(['event assistant Done.', 'end result/success Done.'])
})

it('ends with the last result when the agents leave without another word', async () => {
  const { take, surroundings, outcome } = attached()
  surroundings.agents = 1
  take(started, init, result('Begun.'), completed, says('of the agent'))
  surroundings.agents = 0
  take(idle)
  expect((await outcome()).slice(-3)).toEqual([
    'event system/turn_result Begun.',
    'event assistant of the agent',
    'end result/success Begun.',
  ])
})

it('a run that only waits for its agents makes way, one that works does not', async () => {
  const { turn, take, surroundings, outcome } = attached()
  surroundings.agents = 1
  take(running, started, init, says('Hi.'))
  expect(turn.endSettling()).toBe(false)
  take(result('Hi.'), completed)
  expect(turn.endSettling()).toBe(true)
  expect(turn.endSettling()).toBe(false)
  expect((await outcome()).at(-1)).toBe('end result/success Hi.')
})

it('a run still only waits for its agents after one of them had to ask for a tool', () => {
  const { turn, take, surroundings } = attached()
  surroundings.agents = 1
  take(running, started, init, result('Hi.'), completed)
  // Seen of the real agent: an agent in the background that uses a tool changes the state of the whole session.
  take(asks, running, { ...says('of the agent'), parent_tool_use_id: 'toolu_1' })
  expect(turn.endSettling()).toBe(true)
})

it('an agent woken by its background works again: it does not make way, and an interrupt reaches it', () => {
  const { turn, take, surroundings, asked } = attached()
  surroundings.agents = 2
  take(running, started, init, result('Hi.'), completed)
  surroundings.agents = 1
  // Seen of the real agent: it was never idle, so that no change of state is told; the new turn begins with an init.
  take(init, says('One of two is done.'))
  expect(turn.endSettling()).toBe(false)
  turn.interrupt('Enough.')
  expect(asked).toEqual(['interrupt'])
})

it('agents that work longer than they are waited for are stopped, and the run ends with its result', async () => {
  const { take, surroundings, outcome, asked } = attached({ settleMs: 20 })
  surroundings.agents = 1
  take(started, init, result('Hi.'), completed)
  expect((await outcome()).at(-1)).toBe('end result/success Hi.')
  expect(asked).toEqual(['stop agents', 'ended'])
})

it('the time that agents may take counts from the last result, and stands still while the agent works', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { turn, take, surroundings } = attached({ settleMs: 1000 })
    surroundings.agents = 2
    take(started, init, result('One.'), completed)
    await vi.advanceTimersByTimeAsync(900)
    take(running, init, says('At work.'))
    await vi.advanceTimersByTimeAsync(5000)
    expect(turn.ended).toBe(false)
    take(result('Two.'))
    await vi.advanceTimersByTimeAsync(999)
    expect(turn.ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(turn.ended).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})
