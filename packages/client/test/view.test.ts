import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AgentEvent, FollowItem, Snapshot } from '../src/index.ts'
import { emptyView, type Entry, isPast, type View, view } from '../src/view/index.ts'

const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 6, 0, second)).toISOString()
const own = { session_id: 'f3f5d48c', uuid: '3e70c42e' }
const prompt = (text: string, more = {}): AgentEvent => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'text', text }] },
  uuid: '9f2c1a4e-0000-4000-8000-000000000000',
  ...more,
})
const assistant = (content: object[], agent: string | null = null): AgentEvent => ({
  type: 'assistant',
  message: { role: 'assistant', content },
  parent_tool_use_id: agent,
  timestamp: at(1),
  ...own,
})
const says = (text: string, agent: string | null = null) => assistant([{ type: 'text', text }], agent)
const calls = (id: string, name: string, agent: string | null = null) =>
  assistant([{ type: 'tool_use', id, name, input: { command: 'ls' } }], agent)
const gives = (id: string, content: unknown, isError = false, agent: string | null = null): AgentEvent => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content, is_error: isError }] },
  parent_tool_use_id: agent,
  timestamp: at(3),
  ...own,
})
const ends = (subtype = 'success'): AgentEvent => ({
  type: 'result',
  subtype,
  is_error: subtype !== 'success',
  result: 'Done.',
  duration_ms: 583,
  num_turns: 1,
  total_cost_usd: 0.25,
})
/** The end of a turn, or with it of a run, with what the agent says of it. */
const spends = (type: 'result' | 'turn_result', usd: number | undefined, total: number, uuid: string): AgentEvent => {
  const said = { total_cost_usd: total, uuid, timestamp: at(9) }
  const usage =
    usd === undefined ? {} : { model_usage_since_last_result: { main: { costUSD: usd }, small: { costUSD: 1 } } }
  return type === 'result' ? { ...ends(), ...said, ...usage } : system(type, { ...said, ...usage })
}
const system = (subtype: string, more = {}): AgentEvent => ({ type: 'system', subtype, ...more })
const asks = (id: string, toolUseId: string): AgentEvent => ({
  type: 'tool_permission',
  permission_id: id,
  kind: 'tool',
  tool_name: 'Bash',
  input: {},
  tool_use_id: toolUseId,
  rules: ['Bash(ls)'],
  deadline: null,
})
const settles = (id: string, how: string, behavior: string, more = {}): AgentEvent => ({
  type: 'tool_permission_settled',
  permission_id: id,
  how,
  behavior,
  by: 'phone',
  ...more,
})
const piece = (kind: string, more: object): FollowItem => ({
  kind: 'partial',
  partial: { kind, run_id: 'r', after: 1, parent_tool_use_id: null, ...more },
})
const opened: FollowItem = { kind: 'open', verdict: 'resumed', snapshot: undefined }

const items = (events: readonly AgentEvent[]): FollowItem[] =>
  events.map((event, n) => ({ kind: 'event', id: n + 1, event }))
const viewOf = (all: readonly FollowItem[], from: View = emptyView) => all.reduce(view, from)
const after = (...events: AgentEvent[]) => viewOf(items(events))
const shown = (entries: Iterable<Entry> | undefined) =>
  [...(entries ?? [])].map((entry) => [entry.kind, 'text' in entry ? entry.text : 'id' in entry ? entry.id : ''])

/** A bit of everything, in an order in which it may come. */
const LOG: readonly AgentEvent[] = [
  prompt('One'),
  system('init'),
  assistant([{ type: 'thinking', thinking: 'Hm.' }]),
  says('I look.'),
  calls('a', 'Bash'),
  asks('q1', 'a'),
  settles('q1', 'answered', 'allow'),
  gives('a', 'README.md'),
  calls('agent', 'Agent'),
  says('I am called.', 'agent'),
  calls('b', 'Read', 'agent'),
  gives('b', 'no', true, 'agent'),
  { type: 'something_new', parent_tool_use_id: null },
  system('prompt_queued', { prompt_id: 'p2', text: 'Two' }),
  gives('agent', [{ type: 'text', text: 'Seen.' }]),
  calls('cut', 'Bash'),
  ends('interrupted'),
  prompt('Two', { prompt_id: 'p2' }),
  says('Two it is.'),
  ends(),
]

describe('a view', () => {
  test('has what was said in its order, and what agents said below their calls', () => {
    const now = after(...LOG)
    expect(shown(now.entries)).toEqual([
      ['prompt', 'One'],
      ['note', ''],
      ['thinking', 'Hm.'],
      ['text', 'I look.'],
      ['call', 'a'],
      ['question', 'q1'],
      ['call', 'agent'],
      ['call', 'cut'],
      ['end', 'Done.'],
      ['prompt', 'Two'],
      ['text', 'Two it is.'],
      ['end', 'Done.'],
    ])
    expect(shown(now.agents.get('agent'))).toEqual([
      ['text', 'I am called.'],
      ['call', 'b'],
    ])
    const keys = [...now.entries, ...(now.agents.get('agent') ?? [])].map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(now).toMatchObject({ last: LOG.length, state: 'idle', questions: [], queue: [] })
    expect(now.open.size).toBe(0)
  })

  test('knows what became of each call, and how long it took', () => {
    const now = after(...LOG)
    const call = (id: string) =>
      [...now.entries, ...(now.agents.get('agent') ?? [])].find((entry) => entry.kind === 'call' && entry.id === id)
    expect(call('a')).toMatchObject({ tool: 'Bash', state: 'done', result: 'README.md', durationMs: 2000 })
    expect(call('b')).toMatchObject({ state: 'failed', result: 'no' })
    expect(call('cut')).toMatchObject({ state: 'cut', durationMs: undefined })
    expect(after(...LOG.slice(0, 5)).entries.at(4)).toMatchObject({ state: 'running', input: { command: 'ls' } })
  })

  test('knows with which event a run began that is over', () => {
    const now = after(...LOG, system('run_begun_by_agent'), prompt('More', { steer: true }), ends())
    const begun = [...now.entries].flatMap((entry) => (entry.kind === 'end' ? [entry.begun] : []))
    expect(begun).toEqual([1, 18, LOG.length + 1])
    expect(after(ends()).entries.at(0)).toMatchObject({ begun: undefined })
  })

  test('tells of a run what it took and cost itself, whatever its session had cost before', () => {
    const now = after(
      prompt('One', { timestamp: at(0) }),
      spends('result', 4, 5, 'a'),
      prompt('Two', { timestamp: at(2) }),
      system('compact_boundary'),
      spends('turn_result', 1, 7, 'b'),
      prompt('And this', { steer: true, timestamp: at(5) }),
      spends('turn_result', 2, 10, 'c'),
      // It ended without another turn.
      spends('result', 2, 10, 'c'),
      system('run_begun_by_agent', { timestamp: at(8) }),
      spends('result', 0.5, 11.5, 'd'),
    )
    const told = [...now.entries].filter((entry) => entry.kind === 'end')
    expect(told).toMatchObject([
      { costUsd: 5, durationMs: 9000 },
      { costUsd: 5, durationMs: 7000 },
      { costUsd: 1.5, durationMs: 1000 },
    ])
  })

  test.each([
    ['began before the first event that is here', [says('x'), spends('result', 1, 9, 'a')]],
    ['lies behind a gap', [prompt('x', { timestamp: at(0) }), 'gap', spends('result', 1, 9, 'a')]],
    ['ended without a word of the agent', [prompt('x'), spends('turn_result', 1, 9, 'a'), ends('agent_died')]],
    [
      'had a turn of which nothing is known',
      [prompt('x'), spends('turn_result', undefined, 9, 'a'), spends('result', 1, 9, 'b')],
    ],
  ] as const)('tells no wrong cost and time of a run that %s', (_, log) => {
    const all = log.map((event, n): FollowItem =>
      event === 'gap' ? { kind: 'gap', after: n, before: n + 2 } : { kind: 'event', id: n + 1, event },
    )
    expect([...viewOf(all).entries].at(-1)).toMatchObject({ kind: 'end', costUsd: undefined, durationMs: undefined })
  })

  test('says what waits for a person, and how it was settled', () => {
    const asked = after(prompt('x'), calls('a', 'Bash'), asks('q1', 'a'), asks('q2', 'a'))
    expect(asked).toMatchObject({ state: 'waiting', questions: [{ id: 'q1', toolUseId: 'a' }, { id: 'q2' }] })
    const denied = view(
      asked,
      items([...Array<AgentEvent>(4), settles('q1', 'answered', 'deny', { message: 'No.' })])[4] ?? opened,
    )
    expect(denied).toMatchObject({ state: 'waiting', questions: [{ id: 'q2' }] })
    expect(denied.entries.at(2)).toMatchObject({ state: 'denied', by: 'phone', message: 'No.' })
    // A question outlives its run in a restart.
    const restarted = after(prompt('x'), calls('a', 'Bash'), asks('q1', 'a'), ends('service_stopped'))
    expect(restarted).toMatchObject({ state: 'waiting', isRunning: false, questions: [{ id: 'q1' }] })
  })

  test('of a conversation with a history has nothing open from where that comes from', () => {
    const history = [prompt('x'), calls('a', 'Bash'), asks('q1', 'a'), system('prompt_queued', { prompt_id: 'p' })]
    for (const origin of ['forked', 'session_adopted']) {
      const now = after(...history, system(origin))
      expect(now).toMatchObject({ state: 'idle', isRunning: false, questions: [], queue: [] })
      expect(now.open.size).toBe(0)
      expect([...now.entries].slice(1, 3)).toMatchObject([{ state: 'cut' }, { state: 'cancelled' }])
    }
  })

  test('knows whether it is still the past that it shows', () => {
    const begun = view(emptyView, { kind: 'open', verdict: 'resumed', snapshot: { head: 2 } as Snapshot })
    const [first, second] = items([prompt('x'), says('y')]) as [FollowItem, FollowItem]
    const half = view(begun, first)
    expect([begun, half, view(half, second)].map(isPast)).toEqual([true, true, false])
    expect(isPast(after(prompt('x')))).toBe(false)
  })

  test.each([
    ['nothing', [], 'idle'],
    ['a prompt', [prompt('x')], 'running'],
    ['what the agent tells itself', [{ ...prompt('x'), ...own, isSynthetic: true }], 'idle'],
    ['its own word for an end', [{ ...prompt('[Request interrupted by user]'), ...own }], 'idle'],
    ['what it tells an agent', [{ ...prompt('x'), ...own, parent_tool_use_id: 'agent' }], 'idle'],
    ['a run that the agent began', [system('run_begun_by_agent')], 'running'],
    ['a turn amid a run', [prompt('x'), system('turn_result')], 'running'],
    ['its end', [prompt('x'), ends()], 'idle'],
  ] as const)('after %s the conversation is as it is', (_, events, state) => {
    expect(after(...events).state).toBe(state)
  })

  test('keeps the queue as the events of its prompts tell', () => {
    const queued = (id: string, more = {}) => system('prompt_queued', { prompt_id: id, text: id, ...more })
    const order = ({ queue }: View) => queue.map(({ id, text, state }) => `${id} ${text} ${state}`)
    const three = [queued('a'), queued('b'), queued('c', { first: true })]
    expect(order(after(...three))).toEqual(['c c queued', 'a a queued', 'b b queued'])
    const edited = [...three, system('prompt_edited', { prompt_id: 'b', text: 'B', position: 1 })]
    expect(order(after(...edited))).toEqual(['b B queued', 'c c queued', 'a a queued'])
    expect(order(after(...edited, system('prompt_cancelled', { prompt_id: 'c' })))).toEqual([
      'b B queued',
      'a a queued',
    ])
    const steered = [...three, prompt('a', { prompt_id: 'a', steer: true })]
    expect(order(after(...steered))).toEqual(['a a steering', 'c c queued', 'b b queued'])
    expect(order(after(...steered, system('prompt_steered', { prompt_id: 'a' })))).toEqual(['c c queued', 'b b queued'])
    const missed = system('prompt_queued', { prompt_id: 'a', content: 'It was too late.' })
    expect(order(after(...steered, missed))[0]).toBe('a a queued')
    expect(order(after(...steered, missed, prompt('a', { prompt_id: 'a' })))).toEqual(['c c queued', 'b b queued'])
  })

  test('shows drafts by the rules: grown, replaced, dropped by what they become', () => {
    const begun = viewOf([
      piece('text', { block: 0, offset: 0, text: 'The ' }),
      piece('text', { block: 0, offset: 4, text: 'tests' }),
    ])
    const texts = ({ drafts }: View) => [...drafts.texts.values()].map(({ text }) => text)
    expect(texts(begun)).toEqual(['The tests'])
    expect(texts(viewOf([piece('text', { block: 0, offset: 4, text: 'tests' })], begun))).toEqual(['The tests'])
    expect(texts(viewOf([piece('text', { block: 0, offset: 0, text: 'A' })], begun))).toEqual(['A'])
    expect(texts(viewOf([piece('text', { block: 0, offset: 0, text: null })], begun))).toEqual([])
    expect(texts(viewOf([piece('text', { block: 1, offset: 9, text: 'x' })], begun))).toEqual(['The tests'])
    expect(texts(viewOf(items([says('x', 'agent')]), begun))).toEqual(['The tests'])
    for (const over of [items([says('The tests pass.')]), items([ends()]), [opened]])
      expect(texts(viewOf(over, begun))).toEqual([])
  })

  test('shows what the agent is at and how far its tools are, until an event says more', () => {
    const busy = viewOf([
      piece('status', { status: 'thinking' }),
      piece('tool_progress', { tool_use_id: 'a', elapsed_time_seconds: 1 }),
      piece('task_progress', { task_id: 't' }),
      piece('something_new', {}),
    ])
    const ids = ({ drafts }: View) => [drafts.status?.status, ...drafts.progress.keys()]
    expect(ids(busy)).toEqual(['thinking', 'a', 't'])
    expect(ids(viewOf([piece('status', { status: null })], busy))).toEqual([undefined, 'a', 't'])
    expect(ids(viewOf(items([says('x')]), busy))).toEqual([undefined, 'a', 't'])
    expect(ids(viewOf(items([gives('a', '')]), busy))).toEqual(['thinking', 't'])
    expect(ids(viewOf(items([system('task_notification', { task_id: 't' })]), busy))).toEqual(['thinking', 'a'])
  })

  test('begins anew where the numbers do, and says where events are missing', () => {
    const reset = view(after(...LOG), { kind: 'open', verdict: 'reset', snapshot: undefined })
    expect(viewOf(items(LOG), reset)).toEqual(after(...LOG))
    const gap = viewOf(
      [
        { kind: 'gap', after: 20, before: 30 },
        { kind: 'event', id: 30, event: says('On.') },
      ],
      after(...LOG),
    )
    expect([...gap.entries].slice(-2)).toMatchObject([{ kind: 'gap', after: 20, before: 30 }, { seq: 30 }])
  })
})

test('however it comes, in pieces, twice and with drafts between, it is the same view in the end', () => {
  const whole = after(...LOG)
  const all = items(LOG)
  const draft = fc.record({ block: fc.nat(2), offset: fc.nat(3), text: fc.option(fc.string()) })
  const between = fc.oneof(
    draft.map((fields) => [piece('text', fields)]),
    fc.constant<FollowItem[]>([opened]),
    // A stream that comes back tells again what it thinks was not heard.
    fc.tuple(fc.nat(LOG.length), fc.nat(LOG.length)).map(([from, count]) => ({ from, count })),
  )
  const property = fc.property(fc.array(fc.tuple(fc.nat(LOG.length), between), { maxLength: 10 }), (added) => {
    let now = emptyView
    for (const [n, item] of all.entries()) {
      for (const [place, more] of added) {
        if (place !== n) continue
        // What is told again is never ahead of what was told.
        const told = Array.isArray(more)
          ? more
          : all.slice(more.from, more.from + more.count).filter((each) => all.indexOf(each) < n)
        now = viewOf(told, now)
      }
      now = view(now, item)
    }
    expect(now).toEqual(whole)
  })
  fc.assert(property, { numRuns: 300 })
})

test('an old view stays what it was, and what has not changed is the same object', () => {
  const long = after(prompt('x'), ...Array.from({ length: 500 }, (_, n) => says(String(n))), calls('a', 'Bash'))
  const before = [...long.entries]
  const next = view(long, { kind: 'event', id: long.last + 1, event: gives('a', 'ok') })
  expect([...long.entries]).toEqual(before)
  expect(next.entries.length).toBe(long.entries.length)
  const kept = next.entries.pages.filter((page, n) => page === long.entries.pages[n])
  expect(kept).toHaveLength(next.entries.pages.length - 1)
  expect(view(next, { kind: 'event', id: 3, event: says('again') })).toBe(next)
})

test('an event costs about the same, however long the conversation is', () => {
  const event = (n: number) => (n % 2 === 0 ? calls(`c${n}`, 'Bash') : gives(`c${n - 1}`, 'ok'))
  const usedBy = (conversations: number, events: number) => {
    const all = items(Array.from({ length: events }, (_, n) => event(n)))
    // The thread's own time: a busy machine interrupts what is long, and seldom what is short.
    const before = process.threadCpuUsage()
    for (let n = 0; n < conversations; n++) viewOf(all)
    const used = process.threadCpuUsage(before)
    return used.user + used.system
  }
  // What is collected falls on the one or the other: the least of some tries has none of it.
  const least = (conversations: number, events: number) =>
    Math.min(...Array.from({ length: 4 }, () => usedBy(conversations, events)))
  const inMany = least(20, 2000)
  expect(least(2, 20_000) / inMany).toBeLessThan(5)
})
