import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Numbered, type Span, timelineOf } from '../src/view/run/spans.ts'

const START = Date.parse('2026-11-23T09:00:00Z')

/** Events of a run, each so many milliseconds after its beginning. */
function run(...events: [ms: number, event: object][]): Numbered[] {
  return events.map(([ms, event], at) => ({
    seq: at + 1,
    event: { type: '', timestamp: new Date(START + ms).toISOString(), ...event },
  }))
}

/** How a run is seen once these are all its events. */
const after = (...events: [ms: number, event: object][]) => timelineOf(run(...events), Infinity)

const prompt = { type: 'user', message: { content: [{ type: 'text', text: 'Do it' }] } }
const init = { type: 'system', subtype: 'init' }
const result = { type: 'result', subtype: 'success' }
const says = (id: string, text: string, parent: string | null = null) => ({
  type: 'assistant',
  message: { id, content: [{ type: 'text', text }] },
  parent_tool_use_id: parent,
})
const calls = (id: string, tool: string, input: object, parent: string | null = null, message = `msg ${id}`) => ({
  type: 'assistant',
  message: { id: message, content: [{ type: 'tool_use', id, name: tool, input }] },
  parent_tool_use_id: parent,
})
const gives = (id: string, parent: string | null = null, isError = false) => ({
  type: 'user',
  message: { content: [{ type: 'tool_result', tool_use_id: id, content: 'x', is_error: isError }] },
  parent_tool_use_id: parent,
})
const asks = (id: string, call: string | null) => ({
  type: 'tool_permission',
  permission_id: id,
  tool_use_id: call,
  tool_name: 'Bash',
  input: { command: 'make' },
})
const settles = (id: string) => ({ type: 'tool_permission_settled', permission_id: id })

/** As a person would note it down: what, from, to. */
const noted = (spans: readonly Span[]) =>
  spans.map(({ kind, name, from, to, depth, state }) => [kind, name, from - START, to - START, depth, state])

describe('what took how long in a run', () => {
  it('is what the model wrote, in one span for the events of one answer, and what its calls took', () => {
    const { spans, shares, isOver } = after(
      [0, prompt],
      [1000, init],
      [3000, says('a', 'I look.')],
      [3500, calls('t', 'Bash', { command: 'ls' }, null, 'a')],
      [5500, gives('t')],
      [9500, says('b', 'Done.')],
      [9600, result],
    )
    expect(noted(spans)).toEqual([
      ['start', 'Start', 0, 1000, 0, 'done'],
      ['model', 'Model', 1000, 3500, 0, 'done'],
      ['tool', 'Bash', 3500, 5500, 0, 'done'],
      ['model', 'Model', 5500, 9500, 0, 'done'],
    ])
    expect(spans.map(({ about }) => about)).toEqual(['', 'I look.', 'ls', 'Done.'])
    const silent = timelineOf(
      run([0, prompt], [9, calls('t', 'Bash', {}, null, 'a')], [9, calls('u', 'Read', {}, null, 'a')]),
      START,
    )
    expect(silent.spans[0]?.about).toBe('calls Bash, Read')
    expect(shares).toEqual({ start: 1000, model: 6500, tool: 2000, wait: 0, rest: 100 })
    expect(isOver).toBe(true)
  })

  it('counts calls beside one another once', () => {
    const { spans, shares } = after(
      [0, prompt],
      [100, calls('a', 'Read', {}, null, 'm')],
      [100, calls('b', 'Read', {}, null, 'm')],
      [300, gives('a')],
      [600, gives('b', null, true)],
      [700, result],
    )
    expect(noted(spans)).toEqual([
      ['model', 'Model', 0, 100, 0, 'done'],
      ['tool', 'Read', 100, 300, 0, 'done'],
      ['tool', 'Read', 100, 600, 0, 'failed'],
    ])
    expect(shares.tool).toBe(500)
  })

  it('tells the wait for a person from the work of the tool, unless another one works meanwhile', () => {
    const { spans, shares } = after(
      [0, calls('a', 'Bash', {}, null, 'm')],
      [0, calls('b', 'Read', {}, null, 'm')],
      [0, asks('q', 'a')],
      [200, gives('b')],
      [1000, settles('q')],
      [1500, gives('a')],
      [1500, result],
    )
    expect(spans.find(({ name }) => name === 'Bash')?.waits).toEqual([{ from: START, to: START + 1000 }])
    expect(shares).toEqual({ start: 0, model: 0, tool: 700, wait: 800, rest: 0 })
  })

  it('sets what an agent does in below the call, and lets one in the background go on after its call', () => {
    const { spans } = after(
      [0, prompt],
      [10, calls('t', 'Task', { description: 'Look around' })],
      [20, { type: 'system', subtype: 'task_started', tool_use_id: 't', is_backgrounded: true }],
      [30, gives('t')],
      [50, calls('s', 'Grep', { pattern: 'x' }, 't')],
      [80, gives('s', 't')],
      [90, { type: 'system', subtype: 'task_notification', tool_use_id: 't', status: 'completed' }],
      [100, says('z', 'Found.')],
      [100, result],
    )
    expect(noted(spans)).toEqual([
      ['model', 'Model', 0, 10, 0, 'done'],
      ['agent', 'Task', 10, 90, 0, 'done'],
      ['model', 'Model', 10, 50, 1, 'done'],
      ['tool', 'Grep', 50, 80, 1, 'done'],
      ['model', 'Model', 90, 100, 0, 'done'],
    ])
  })

  it('goes on until now while the run does, and says what its end has cut off', () => {
    const open = run([0, prompt], [10, calls('t', 'Bash', {})], [20, asks('q', 't')])
    const now = timelineOf(open, START + 500)
    expect(noted(now.spans).at(-1)).toEqual(['tool', 'Bash', 10, 500, 0, 'open'])
    expect(now.shares.wait).toBe(480)
    const cut = timelineOf([...open, ...run([60, { type: 'result', subtype: 'interrupted' }])], START + 500)
    expect(noted(cut.spans).at(-1)).toEqual(['tool', 'Bash', 10, 60, 0, 'cut'])
  })

  it('shows a question that belongs to no call by itself', () => {
    const { spans } = after([0, prompt], [5, asks('q', null)], [25, settles('q')], [30, result])
    expect(noted(spans)).toEqual([['wait', 'Bash', 5, 25, 0, 'done']])
  })

  it('adds up to the whole, whatever happened in which order', () => {
    const id = fc.constantFrom('a', 'b', 'c')
    const parent = fc.constantFrom(null, 'a', 'b')
    const some = fc.oneof(
      fc.tuple(id, id, parent).map(([call, message, of]) => calls(call, 'Bash', {}, of, message)),
      fc.tuple(id, parent).map(([call, of]) => calls(call, 'Task', {}, of)),
      fc.tuple(id, parent).map(([call, of]) => gives(call, of)),
      fc.tuple(id, fc.option(id)).map(([question, call]) => asks(question, call)),
      id.map(settles),
      fc.constant(init),
    )
    const events = fc.array(fc.tuple(fc.nat(1000), some), { maxLength: 30 })
    fc.assert(
      fc.property(events, fc.boolean(), (given, ends) => {
        const sorted = [...given].sort(([a], [b]) => a - b)
        const whole = run([0, prompt], ...sorted, ...(ends ? [[1000, result] as [number, object]] : []))
        const { from, to, spans, shares } = timelineOf(whole, START + 1000)
        expect(Object.values(shares).reduce((sum, one) => sum + one, 0)).toBe(to - from)
        for (const share of Object.values(shares)) expect(share).toBeGreaterThanOrEqual(0)
        for (const span of spans) {
          expect(span.from).toBeGreaterThanOrEqual(from)
          expect(span.to).toBeGreaterThanOrEqual(span.from)
          expect(span.to).toBeLessThanOrEqual(to)
        }
      }),
    )
  })
})
