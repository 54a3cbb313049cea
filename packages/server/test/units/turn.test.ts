import { expect, it } from 'vitest'
import { attached, completed, idle, init, result, running, says, started } from './turn-made-up.ts'

it('an ordinary run: what is said, then one end with the result', async () => {
  const { take, outcome, asked } = attached()
  take(running, started, init, says('Hi.'), result('Hi.'), completed, idle)
  expect(await outcome()).toEqual(['session s', 'event system/init', 'event assistant Hi.', 'end result/success Hi.'])
  expect(asked).toEqual(['ended'])
})

it('the idle of the turn before does not end this one', async () => {
  const { turn, take, outcome } = attached()
  take(idle, running, started, init, idle)
  expect(turn.ended).toBe(false)
  take(result('Mine.'), completed, idle)
  expect((await outcome()).at(-1)).toBe('end result/success Mine.')
})

it('the result of a turn that was still under way does not end the run that waits behind it', async () => {
  const { turn, take, outcome } = attached()
  take(result('Of the task before.'), idle, running)
  expect(turn.ended).toBe(false)
  take(started, init, says('Mine.'), result('Mine.'), completed, idle)
  expect((await outcome()).filter((line) => line.includes('result'))).toEqual([
    'event system/turn_result Of the task before.',
    'end result/success Mine.',
  ])
})

it('all results but the last become turn results, and there is one end', async () => {
  const { take, surroundings, outcome } = attached()
  surroundings.agents = 1
  take(started, init, result('One.'), completed, init, says('a'), result('Two.'), init, says('b'))
  surroundings.agents = 0
  take(result('Three.'), idle, result('Too late.'), says('Too late.'), idle)
  expect(await outcome()).toEqual([
    'session s',
    'event system/init',
    'settling',
    'event system/turn_result One.',
    'event assistant a',
    'settling',
    'event system/turn_result Two.',
    'event assistant b',
    'end result/success Three.',
  ])
})

it('a lost session is reported, not told: the prompt goes to a fresh one', async () => {
  const { turn, take, attach, outcome, asked } = attached({ sessionId: 'old' })
  const lost = { type: 'result', is_error: true, errors: ['No conversation found with session ID: old'] }
  take(lost)
  expect(asked).toEqual(['session missing'])
  expect(turn.ended).toBe(false)
  attach()
  take(running, started, init, says('Hi.'), result('Hi.'), completed, idle)
  expect(await outcome()).toEqual(['session s', 'event system/init', 'event assistant Hi.', 'end result/success Hi.'])
})

it('without a session to resume, the same words are an ordinary error', async () => {
  const { take, outcome } = attached()
  take({ type: 'result', is_error: true, errors: ['No conversation found with session ID: x'] }, completed, idle)
  expect(await outcome()).toEqual(['end result/success No conversation found with session ID: x'])
})

it('a run that the agent began has no prompt to wait for', async () => {
  const { take, outcome } = attached({ woken: true })
  take(running, init, says('It is done.'), result('It is done.'), idle)
  expect((await outcome()).at(-1)).toBe('end result/success It is done.')
})

it('a change of session is told once', async () => {
  const { turn, take, outcome } = attached()
  turn.useSession('s')
  take(started, init, says('a'), { ...init, session_id: 't' }, { ...says('b'), session_id: 't' })
  take(result('End.'), completed, idle)
  expect((await outcome()).filter((line) => line.startsWith('session'))).toEqual(['session s', 'session t'])
})

it('state, progress and bookkeeping do not release a held result', async () => {
  const { take, outcome } = attached()
  take(started, init, result('Hi.'), { type: 'prompt_suggestion', suggestion: 'x' }, completed, idle)
  expect(await outcome()).toEqual(['session s', 'event system/init', 'end result/success Hi.'])
})

it('a question goes to the reader, and is denied when the run is over', async () => {
  const { turn, outcome } = attached()
  const request = {
    tool: 'Bash',
    input: {},
    suggestions: [],
    blockedPath: undefined,
    toolUseId: undefined,
    kind: 'tool' as const,
    isRememberable: true,
  }
  const { signal } = new AbortController()
  void turn.ask(request, signal)
  turn.died('Gone.')
  expect(await outcome()).toEqual(['ask Bash', 'end result/agent_died Gone.'])
  expect(await turn.ask(request, signal)).toMatchObject({ behavior: 'deny' })
})

it('how near the account is to a limit is told as it came, also when the result is held back, and says nothing of the end', async () => {
  const { turn, take, outcome } = attached()
  const limit = { status: 'rejected', rateLimitType: 'five_hour', resetsAt: 1_800_000_000 }
  take({ type: 'command_lifecycle', command_uuid: 'prompt', state: 'completed' })
  take({ type: 'result', subtype: 'success', is_error: false, result: 'done', session_id: 's' })
  take({ type: 'rate_limit_event', rate_limit_info: limit, uuid: 'u', session_id: 's' })
  turn.died('It has left.')
  const told = (await outcome()).filter((each) => /^(event|end)/.test(each))
  expect(told).toEqual(['event rate_limit_event', 'end result/success done'])
})
