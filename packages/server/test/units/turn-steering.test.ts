import { expect, it } from 'vitest'
import type { RunId } from '@claude-proxy/protocol/ids'
import type { AgentMessage } from '../../src/agents/claude/normalise.ts'
import { attached, completed, idle, init, newTurn, result, running, says, started } from './turn-made-up.ts'

const lifecycle = (uuid: string | undefined, state: string): AgentMessage => ({
  type: 'command_lifecycle',
  command_uuid: uuid ?? '',
  state,
})

it('a prompt that the turn takes is told of when it is taken, and has no end of its own', async () => {
  const { turn, take, sent, outcome, asked } = attached()
  take(running, started, init, says('a'))
  expect(turn.steer('p1' as RunId, 'Left!')).toBe(true)
  take(lifecycle(sent[0], 'queued'), lifecycle(sent[0], 'started'), says('b'), lifecycle(sent[0], 'completed'))
  expect(turn.hasUntaken).toBe(false)
  take(result('Done.'), completed, idle)
  expect((await outcome()).slice(2)).toEqual([
    'event assistant a',
    'steered p1 taken',
    'event assistant b',
    'end result/success Done.',
  ])
  expect(asked).toEqual(['steer Left!', 'ended'])
})

it('a prompt that comes too late for the turn keeps the run open until it is answered', async () => {
  const { turn, take, sent, outcome } = attached()
  take(running, started, init, says('a'))
  turn.steer('p1' as RunId, 'Left!')
  take(lifecycle(sent[0], 'queued'), result('One.'), completed, idle)
  expect(turn.ended).toBe(false)
  take(running, lifecycle(sent[0], 'started'), init, says('b'), result('Two.'), lifecycle(sent[0], 'completed'), idle)
  expect((await outcome()).slice(3)).toEqual([
    'steered p1 taken',
    'event system/turn_result One.',
    'event assistant b',
    'end result/success Two.',
  ])
})

it.each(['cancelled', 'discarded', 'refused', 'completed'])(
  'a prompt that the agent has %s, and not begun with, was missed',
  async (state) => {
    const { turn, take, sent, outcome } = attached()
    take(running, started, init)
    turn.steer('p1' as RunId, 'Left!')
    take(lifecycle(sent[0], 'queued'), lifecycle(sent[0], state), result('One.'), completed, idle)
    expect((await outcome()).slice(2)).toEqual(['steered p1 missed', 'end result/success One.'])
  },
)

it('a turn that is stopped with a prompt it has not taken leaves it to somebody else', async () => {
  const { turn, take, sent, outcome } = attached()
  take(running, started, init)
  turn.steer('p1' as RunId, 'Left!')
  turn.interrupt('Stop.')
  expect(turn.isSteerable).toBe(false)
  expect(turn.steer('p2' as RunId, 'Right!')).toBe(false)
  take(lifecycle(sent[0], 'queued'), result('[Request interrupted]'))
  expect(turn.hasUntaken).toBe(true)
  expect((await outcome()).at(-1)).toBe('end result/interrupted Stop.')
})

it('only a turn with a process, that a client began and that still works, can be steered', () => {
  const { turn, attach, take, surroundings } = newTurn()
  expect(turn.isSteerable).toBe(false)
  attach()
  expect(turn.isSteerable).toBe(true)
  surroundings.agents = 1
  take(started, init, result('One.'), completed)
  expect(turn.isSteerable).toBe(false)
  expect(attached({ woken: true }).turn.isSteerable).toBe(false)
})
