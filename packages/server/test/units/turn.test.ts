import { expect, it, vi } from 'vitest'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { AgentMessage } from '../../src/agents/claude/normalise.ts'
import { Turn } from '../../src/agents/claude/turn.ts'
import type { Happening, Job } from '../../src/core/ports/agent.ts'

const NOW = Date.UTC(2026, 0, 1)

/** A turn with made-up surroundings: how many agents work in the background, and what was asked of the process. */
function newTurn({ sessionId, woken = false, settleMs = 2 ** 31 - 1 }: Asked = {}) {
  const job: Job = {
    run: 'r' as RunId,
    conversation: 'c' as ConversationId,
    folder: '/f' as Folder,
    text: 'Hello',
    options: {},
    sessionId,
    forbids: () => false,
  }
  const turn = new Turn({ job, clock: { now: () => NOW }, promptUuid: woken ? undefined : 'prompt', settleMs })
  const asked: string[] = []
  const sent: string[] = []
  const surroundings = { agents: 0 }
  const attach = () =>
    turn.attach({
      interrupt: () => asked.push('interrupt'),
      steer: (text, uuid) => {
        asked.push(`steer ${text}`)
        sent.push(uuid)
      },
      backgroundAgents: () => surroundings.agents,
      stopBackgroundAgents: () => asked.push('stop agents'),
      sessionMissing: () => asked.push('session missing'),
      ended: () => asked.push('ended'),
    })
  return {
    turn,
    asked,
    /** The uuids of the prompts that steered it, in order. */
    sent,
    surroundings,
    attach,
    take: (...messages: AgentMessage[]) => messages.forEach((message) => turn.take(message)),
    /** All that came out, when it is over. */
    outcome: () => Array.fromAsync(turn, describe),
  }
}

interface Asked {
  readonly sessionId?: string
  readonly woken?: boolean
  readonly settleMs?: number
}

function attached(asked?: Asked) {
  const made = newTurn(asked)
  made.attach()
  return made
}

/** A happening in a word or two. */
function describe(happening: Happening): string {
  if (happening.kind === 'session') return `session ${happening.sessionId}`
  if (happening.kind === 'ask') return `ask ${happening.request.tool}`
  if (happening.kind === 'steered') return `steered ${happening.prompt} ${happening.outcome}`
  if (happening.kind === 'settling') return 'settling'
  if (happening.kind === 'partial') return `partial ${happening.update.kind}`
  if (happening.kind === 'facts' || happening.kind === 'usage' || happening.kind === 'mode') return happening.kind
  const payload = happening.kind === 'end' ? happening.result : happening.payload
  const words = [payload['result'], payload['text']].filter((text) => typeof text === 'string')
  const name = [payload.type, payload['subtype']].filter((word) => typeof word === 'string').join('/')
  return [happening.kind, name, ...words].join(' ')
}

const init: AgentMessage = { type: 'system', subtype: 'init', session_id: 's' }
const idle: AgentMessage = { type: 'system', subtype: 'session_state_changed', state: 'idle' }
const running: AgentMessage = { ...idle, state: 'running' }
const asks: AgentMessage = { ...idle, state: 'requires_action' }
const started: AgentMessage = { type: 'command_lifecycle', command_uuid: 'prompt', state: 'started' }
const completed: AgentMessage = { ...started, state: 'completed' }
const says = (text: string): AgentMessage => ({ type: 'assistant', session_id: 's', text })
const result = (text: string): AgentMessage => ({ type: 'result', subtype: 'success', session_id: 's', result: text })

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

it('nobody can end a run for a new prompt while its own prompt still waits', async () => {
  const { turn, take, surroundings, outcome } = attached()
  surroundings.agents = 2
  take(init, result('Of a task of the run before.'))
  expect(turn.endSettling()).toBe(false)
  take(started, init, says('Mine.'), result('Mine.'), completed)
  expect(turn.endSettling()).toBe(true)
  expect((await outcome()).at(-1)).toBe('end result/success Mine.')
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

it.each(['cancelled', 'discarded', 'refused'])('a prompt that the agent has %s was missed', async (state) => {
  const { turn, take, sent, outcome } = attached()
  take(running, started, init)
  turn.steer('p1' as RunId, 'Left!')
  take(lifecycle(sent[0], 'queued'), lifecycle(sent[0], state), result('One.'), completed, idle)
  expect((await outcome()).slice(2)).toEqual(['steered p1 missed', 'end result/success One.'])
})

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
