import { expect, it } from 'vitest'
import { attached, completed, init, newTurn, result, running, says, started } from './turn-made-up.ts'

it('an interrupted run says why, whatever the result says', async () => {
  const { turn, take, outcome, asked } = attached()
  take(running, started, init)
  turn.interrupt('Stopped by a person.')
  turn.interrupt('Stopped again.')
  expect(turn.ended).toBe(false)
  take({ ...result('ede_diagnostic'), subtype: 'error_during_execution', is_error: true })
  expect((await outcome()).at(-1)).toBe('end result/interrupted Stopped by a person.')
  expect(asked).toContain('interrupt')
  expect(asked.at(-1)).toBe('ended')
})

it('an interrupt ends a run that only waits for its agents, and stops them', async () => {
  const { turn, take, surroundings, outcome, asked } = attached()
  surroundings.agents = 1
  take(started, init, result('Hi.'), completed)
  turn.interrupt('Stopped by a person.')
  expect((await outcome()).at(-1)).toBe('end result/interrupted Stopped by a person.')
  expect(asked).toEqual(['stop agents', 'ended'])
})

it('an interrupt before there is a process ends the run', async () => {
  const { turn, outcome } = newTurn()
  turn.interrupt('Stopped by a person.')
  expect(await outcome()).toEqual(['end result/interrupted Stopped by a person.'])
})

it('a process that dies in the middle ends the run with its last words', async () => {
  const { turn, take, outcome } = attached()
  take(running, started, init, says('Hi.'))
  turn.died('The agent process has ended: out of memory.')
  turn.died('Again.')
  expect((await outcome()).at(-1)).toBe('end result/agent_died The agent process has ended: out of memory.')
})

it('a process that leaves after its result ends the run with that result', async () => {
  const { turn, take, outcome } = attached()
  take(running, started, init, { ...result('Too many turns.'), is_error: true }, completed)
  turn.died('Claude Code returned an error result')
  expect((await outcome()).at(-1)).toBe('end result/success Too many turns.')
})

it('a process that leaves while its agents work ends the run with the result it had', async () => {
  const { turn, take, surroundings, outcome } = attached()
  surroundings.agents = 1
  take(running, started, init, result('Begun.'), completed, says('of the agent'))
  turn.died('The agent process has ended.')
  expect((await outcome()).at(-1)).toBe('end result/success Begun.')
})

it('a process that dies with the result of another turn did not answer this prompt', async () => {
  const { turn, take, outcome } = attached()
  take(init, result('Of the task before.'))
  turn.died('The agent process has ended.')
  expect((await outcome()).at(-1)).toBe('end result/agent_died The agent process has ended.')
})
