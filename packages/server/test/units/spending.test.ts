import type { AgentEvent } from '@claude-proxy/client'
import { emptyView, view } from '@claude-proxy/client/view'
import type { Renderer } from '@claude-proxy/protocol/transcript/renderer'
import { createHtml } from '@claude-proxy/protocol/transcript/html'
import { createJson } from '@claude-proxy/protocol/transcript/json'
import { createMarkdown } from '@claude-proxy/protocol/transcript/markdown'
import { createTurns } from '@claude-proxy/protocol/transcript/turns'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

type Numbered = readonly [seq: number, event: AgentEvent]

const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 6, 0, second)).toISOString()
const prompt = (second: number, more = {}): AgentEvent => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'text', text: 'Do it' }] },
  ...more,
  timestamp: at(second),
})
const system = (second: number, subtype: string, more = {}): AgentEvent => ({
  type: 'system',
  subtype,
  ...more,
  timestamp: at(second),
})
/** What the agent says at the end of a turn: of the last of them how long, of the session how much, by model what is new. */
const said = (uuid: string, total: number, usd: unknown) => ({
  uuid,
  duration_ms: 583,
  num_turns: 1,
  total_cost_usd: total,
  model_usage_since_last_result: { main: { costUSD: usd }, small: { costUSD: 1 } },
})
const result = (second: number, more = {}): AgentEvent => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  result: 'Done.',
  ...more,
  timestamp: at(second),
})

const TALK = [
  prompt(0),
  result(9, said('a', 5, 4)),
  prompt(10),
  system(11, 'turn_result', said('b', 7, 1)),
  prompt(12, { steer: true }),
  system(13, 'turn_result', said('c', 10, 2)),
  // It ended without another turn.
  result(17, said('c', 10, 2)),
  system(20, 'run_begun_by_agent'),
  result(21, said('d', 11.5, 0.5)),
]

const numbered = (events: readonly AgentEvent[]): Numbered[] => events.map((event, n) => [n + 1, event])

function endsOf(events: readonly Numbered[]) {
  const turns = createTurns()
  const entries = events.flatMap(([seq, event]) => turns.take(seq, event))
  return entries.flatMap(({ what }) => (what.kind === 'end' ? [what] : []))
}

function written(renderer: Renderer, events: readonly Numbered[]): string {
  const turns = createTurns()
  const about = { conversationId: 'c', title: undefined, folder: '/f', createdAt: at(0) }
  const entries = events.flatMap(([seq, event]) => turns.take(seq, event).map((entry) => renderer.entry(entry)))
  return renderer.head(about) + entries.join('') + renderer.foot(events.length)
}

test('a transcript tells of a run what it took and cost itself, whatever its session had cost before', () => {
  expect(endsOf(numbered(TALK))).toMatchObject([
    { durationMs: 9000, costUsd: 5, sessionCostUsd: 5 },
    { durationMs: 7000, costUsd: 5, sessionCostUsd: 10 },
    { durationMs: 1000, costUsd: 1.5, sessionCostUsd: 11.5 },
  ])
})

test('every form of it says so', () => {
  const json = JSON.parse(written(createJson(), numbered(TALK))) as { turns: { entries: object[] }[] }
  expect(json.turns[1]?.entries.at(-1)).toMatchObject({
    kind: 'end',
    duration_ms: 7000,
    cost_usd: 5,
    total_cost_usd: 10,
    num_turns: 1,
  })
  expect(written(createMarkdown(), numbered(TALK))).toContain('**Done (1 turn of the agent, 7.0 s, $5.0000)**')
  expect(written(createHtml('x'), numbered(TALK))).toContain('Done (1 turn of the agent, 7.0 s, $5.0000)')
})

const ended = result(9, said('a', 9, 1))

test.each<[string, Numbered[]]>([
  ['began before the first event that was read', [[2, ended]]],
  [
    'may have begun where events are missing',
    [
      [1, prompt(0)],
      [3, ended],
    ],
  ],
  ['lies in the history of another conversation', numbered([prompt(0), system(1, 'forked'), ended])],
])('it tells no time and no cost of a run that %s', (_, events) => {
  expect(endsOf(events)).toMatchObject([{ durationMs: undefined, costUsd: undefined }])
  expect(written(createMarkdown(), events)).toContain('**Done (1 turn of the agent)**')
  expect(written(createJson(), events)).toContain('"duration_ms":null,"cost_usd":null,"total_cost_usd":9')
})

test.each<[string, AgentEvent[]]>([
  ['had a turn of which nothing is known', [system(1, 'turn_result', { uuid: 'a' }), result(9, said('b', 9, 1))]],
  ['used a model that did not say what it costs', [result(9, said('a', 9, null))]],
  ['ended without a word of the agent', [system(1, 'turn_result', said('a', 9, 1)), result(9)]],
])('it tells the time, and no cost, of a run that %s', (_, events) => {
  expect(endsOf(numbered([prompt(0), ...events]))).toMatchObject([{ durationMs: 9000, costUsd: undefined }])
})

test('whatever happened, a transcript and a view say the same of how each run ended', () => {
  const uuid = fc.constantFrom('a', 'b', undefined)
  const model = fc.constantFrom('main', 'small')
  const usage = fc.oneof(
    { weight: 4, arbitrary: fc.dictionary(model, fc.record({ costUSD: fc.constantFrom(0, 0.5, 2) })) },
    fc.dictionary(model, fc.constantFrom(null, {}, { costUSD: null }, { costUSD: 'much' })),
    fc.constantFrom(null, undefined, 5, []),
  )
  const told = fc.record({ uuid, model_usage_since_last_result: usage })
  const text = fc.constantFrom('Do it', '[Request interrupted by user]')
  const spoken = fc.record(
    {
      steer: fc.constant(true),
      isSynthetic: fc.constant(true),
      session_id: fc.constant('s'),
      parent_tool_use_id: fc.constantFrom(null, 'a'),
      message: text.map((words) => ({ role: 'user', content: [{ type: 'text', text: words }] })),
    },
    { requiredKeys: [] },
  )
  const subtypes = ['run_continued', 'run_begun_by_agent', 'session_adopted', 'forked', 'compact_boundary', 'init']
  const seconds = fc.nat(59)
  const some = fc.oneof(
    { weight: 3, arbitrary: seconds.map((second) => prompt(second)) },
    { weight: 2, arbitrary: fc.tuple(seconds, spoken).map(([second, more]) => prompt(second, more)) },
    { weight: 4, arbitrary: fc.tuple(seconds, told).map(([second, more]) => result(second, more)) },
    { weight: 4, arbitrary: fc.tuple(seconds, told).map(([second, more]) => system(second, 'turn_result', more)) },
    fc.tuple(seconds, fc.constantFrom(...subtypes)).map(([second, subtype]) => system(second, subtype)),
    fc.constant<AgentEvent>({ ...prompt(0), timestamp: 'at noon' }),
    fc.constant<AgentEvent>({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'a' }] } }),
  )
  const log = fc.array(fc.tuple(fc.constantFrom(1, 1, 1, 1, 2), some), { maxLength: 20 })
  fc.assert(
    fc.property(log, (steps) => {
      let last = 0
      const events = steps.map(([step, event]): Numbered => [(last += step), event])
      expect(endsOf(events).map(({ durationMs, costUsd }) => ({ durationMs, costUsd }))).toEqual(endsInView(events))
    }),
    { numRuns: 1000 },
  )
})

function endsInView(events: readonly Numbered[]) {
  let now = view(emptyView, { kind: 'open', verdict: 'resumed', snapshot: undefined })
  for (const [id, event] of events) {
    if (id > now.last + 1) now = view(now, { kind: 'gap', after: now.last, before: id })
    now = view(now, { kind: 'event', id, event })
  }
  return [...now.entries].flatMap((entry) => {
    if (entry.kind !== 'end') return []
    const { durationMs, costUsd } = entry
    return [{ durationMs, costUsd }]
  })
}
