import { describe, expect, test } from 'vitest'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { RunId } from '@claude-proxy/protocol/ids'
import type { NewSpan, Span, Tracer } from '../../src/core/ports/tracing.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { RunTrace } from '../../src/core/trace/run-trace.ts'
import { createTraces } from '../../src/core/trace/traces.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { added, fresh, newPrompt, started } from '../contract/samples.ts'

/** A span as a collector would have it. */
interface Told {
  readonly name: string
  readonly attributes: Record<string, unknown>
  readonly notes: string[]
  end?: number
  failure?: string | undefined
}

/** A tracer that keeps what it is told. A span that is ended twice is a mistake. */
function keepingTracer() {
  const spans: Told[] = []
  const state = { closedWithinMs: 0 }
  const tracer: Tracer = {
    start({ name, attributes }: NewSpan): Span {
      const told: Told = { name, attributes: { ...attributes }, notes: [] }
      spans.push(told)
      return {
        note: (event) => void told.notes.push(event),
        set: (more) => void Object.assign(told.attributes, more),
        end(at, failure) {
          if (told.end !== undefined) throw new Error(`${name} was ended twice`)
          told.end = at
          told.failure = failure
        },
      }
    },
    async close(withinMs) {
      state.closedWithinMs = withinMs
    },
  }
  return { spans, tracer, state }
}

const run = 'a'.repeat(32) as RunId
const at = (second: number) => ({ timestamp: new Date(second * 1000).toISOString() })

function traced(isQueued = false) {
  const { spans, tracer } = keepingTracer()
  const trace = new RunTrace(tracer, { run, attributes: {}, at: 0, isQueued, parent: undefined })
  const root = () => spans[0] ?? { name: '', attributes: {}, notes: [] }
  return {
    trace,
    root,
    calls: () => spans.slice(1),
    take: (...events: object[]) => events.forEach((event) => trace.take(event)),
  }
}

const calls = (...ids: string[]) => ({
  type: 'assistant',
  message: { model: 'm', content: ids.map((id) => ({ type: 'tool_use', id, name: 'Bash' })) },
})
const gives = (id: string, isError?: boolean) => ({
  type: 'user',
  message: { content: [{ type: 'tool_result', tool_use_id: id, is_error: isError }] },
})

describe('the trace of a run', () => {
  test('has what happens in it, its tool calls with their ends, and how it ended', () => {
    const { root, calls: spans, take } = traced()
    take({ type: 'user', message: { content: 'Hello' }, ...at(1) }, { type: 'system', subtype: 'init', ...at(2) })
    take({ ...calls('one', 'two'), ...at(3) }, { type: 'tool_permission', ...at(4) })
    take(
      { type: 'tool_permission_settled', ...at(5) },
      { ...gives('one'), ...at(6) },
      { ...gives('two', true), ...at(7) },
    )
    take({ ...calls(), ...at(8) })
    take({ type: 'result', subtype: 'success', is_error: false, num_turns: 2, total_cost_usd: 0.5, ...at(9) })
    expect(root()).toEqual({
      name: 'invoke_agent claude-code',
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'claude-code',
        'gen_ai.response.model': 'm',
        'claude_proxy.outcome': 'success',
        'claude_proxy.turns': 2,
        'claude_proxy.session_cost_usd': 0.5,
      },
      notes: ['prompt', 'agent_started', 'first_message', 'permission_asked', 'permission_settled'],
      end: 9000,
      failure: undefined,
    })
    expect(spans()).toMatchObject([
      { name: 'execute_tool Bash', attributes: { 'gen_ai.tool.call.id': 'one' }, end: 6000, failure: undefined },
      { name: 'execute_tool Bash', attributes: { 'gen_ai.tool.call.id': 'two' }, end: 7000, failure: 'tool_error' },
    ])
  })

  test('of one that fails amid a call says so of both', () => {
    const { root, calls: spans, take, trace } = traced()
    take(calls('one'), calls('one'), { type: 'result', subtype: 'interrupted', is_error: true, ...at(1) })
    expect(root()).toMatchObject({
      failure: 'interrupted',
      end: 1000,
      attributes: { 'claude_proxy.outcome': 'interrupted' },
    })
    expect(spans()).toMatchObject([{ failure: 'no_result' }])
    // Whatever comes behind the end is another run's.
    take(calls('two'), gives('one'))
    trace.close('unfinished')
    expect(spans()).toHaveLength(1)
    expect(root().failure).toBe('interrupted')
  })

  test('of one that waits begins with its own prompt, and has nothing of the run before it', () => {
    const { root, calls: spans, take } = traced(true)
    take({ type: 'system', subtype: 'prompt_queued', prompt_id: run }, calls('theirs'))
    take({ type: 'result', subtype: 'success' }, { type: 'system', subtype: 'init' })
    take({ type: 'user', prompt_id: run, message: { content: 'Now' } }, calls('ours'))
    expect(spans().map(({ attributes }) => attributes['gen_ai.tool.call.id'])).toEqual(['ours'])
    expect(root().notes).toEqual(['prompt_queued', 'prompt', 'first_message'])
    expect(root().end).toBeUndefined()
  })

  test.each(['prompt_cancelled', 'prompt_steered'])('of a prompt that comes to %s ends with that', (subtype) => {
    const { root, take } = traced(true)
    take({ type: 'system', subtype, prompt_id: run, ...at(3) })
    expect(root()).toMatchObject({ notes: [subtype], end: 3000, attributes: { 'claude_proxy.outcome': subtype } })
  })

  test('takes events for what they are where fields are missing, or are of another kind', () => {
    const { root, calls: spans, take } = traced()
    take({ type: 'user' }, { type: 'assistant' }, { type: 'assistant', message: { content: 'text' } })
    take({ type: 'assistant', message: { content: [{ type: 'text' }] } }, gives('nobody’s'), { type: 'unheard_of' })
    take({ type: 'result', timestamp: 'never' })
    expect(spans()).toEqual([])
    expect(root()).toMatchObject({ end: 0, failure: undefined, attributes: { 'claude_proxy.outcome': '' } })
    expect(root().attributes).not.toHaveProperty('gen_ai.response.model')
  })
})

describe('traces', () => {
  function tracing(load?: () => Promise<Tracer>, more: Partial<Store> = {}) {
    const { spans, tracer, state } = keepingTracer()
    const complaints: string[] = []
    const complain = (message: string) => void complaints.push(message)
    const log = { info() {}, warn: complain, error: complain }
    const memory = createMemoryStore()
    const store = { ...memory, ...more }
    const events = createEventLog({ store, bell: createBell(), clock: { now: () => 1 }, log, doubtMs: 2000 })
    const traces = createTraces({ events, store, log, load: load ?? (async () => tracer) })
    const follow = (of: { id: Parameters<typeof traces.follow>[0]['conversation']; run: RunId }, isQueued = false) =>
      traces.follow({ conversation: of.id, run: of.run, at: 0, isQueued, parent: undefined })
    return { spans, state, complaints, store: memory, events, traces, follow }
  }

  test('end with the run, and are sent at the stop of the service', async () => {
    const { spans, state, store, events, traces, follow } = tracing()
    const { id, run: begun } = await started(store)
    follow({ id, run: begun.id })
    await expect.poll(() => spans).toHaveLength(1)
    const ending = { outcome: 'success', usage: [], facts: {} }
    await events.end(begun, ['{"type":"result","subtype":"success"}'], ending)
    await expect.poll(() => spans[0]?.attributes['claude_proxy.outcome']).toBe('success')
    await traces.close()
    expect(spans[0]).toMatchObject({ failure: undefined })
    expect(state.closedWithinMs).toBeGreaterThan(0)
  })

  test('of what is under way at a stop say that it was unfinished', async () => {
    const { spans, store, traces, follow } = tracing()
    const { id, run: begun } = await started(store)
    const waiting = await added(store, newPrompt({ name: id, folder: begun.folder }))
    follow({ id, run: begun.id })
    follow({ id, run: waiting.id }, true)
    await expect.poll(() => spans).toHaveLength(2)
    await traces.close()
    await expect.poll(() => spans.map(({ failure }) => failure)).toEqual(['unfinished', 'unfinished'])
  })

  test('that cannot be sent, or are of a run that is gone, are told of, and keep nothing from running', async () => {
    const broken = tracing(() => Promise.reject(new Error('no such module')))
    const { id, run: begun } = await started(broken.store)
    broken.follow({ id, run: begun.id })
    await expect.poll(() => broken.complaints).toEqual(['traces cannot be sent'])
    await broken.traces.close()

    const gone = tracing()
    gone.follow({ id: fresh().id, run })
    await gone.traces.close()
    expect([gone.spans, gone.complaints]).toEqual([[], []])

    const unread = tracing(undefined, { run: () => Promise.reject(new Error('I/O error')) })
    unread.follow({ id: fresh().id, run })
    await expect.poll(() => unread.complaints).toEqual(['a run could not be traced'])
    await unread.traces.close()
  })

  test('of a run whose events cannot be read any more say so', async () => {
    const { spans, complaints, store, traces, follow } = tracing(undefined, {
      page: () => Promise.reject(new Error('I/O error')),
    })
    const { id, run: begun } = await started(store)
    follow({ id, run: begun.id })
    await expect.poll(() => spans[0]?.failure).toBe('unreadable')
    expect(complaints).toEqual(['a run could not be traced to its end'])
    await traces.close()
  })

  test('before any run is traced, a stop has nothing to send', async () => {
    let loads = 0
    const { traces, spans } = tracing(async () => (loads++, keepingTracer().tracer))
    await traces.close()
    expect([loads, spans]).toEqual([0, []])
  })
})
