import { randomUUID } from 'node:crypto'
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { errorResult, type EventPayload, type ResultPayload } from '@claude-proxy/protocol/events'
import type { Agent, Clock, Happening, Job, PermissionDecision, Work } from '../../core/ports.ts'
import { type Directive, parseDirectives } from './directives.ts'

/**
 * A stand-in without process and model, for load, benchmarks and the tests of clients. It obeys directives in the
 * prompt and says what it is. Only the operator can choose it.
 */
export function createScriptedAgent({ clock }: { clock: Clock }): Agent {
  const running = new Set<AbortController>()

  return {
    name: 'scripted',
    async unready() {
      return undefined
    },
    work(job) {
      const stop = new AbortController()
      running.add(stop)
      let reason = 'Interrupted by user'
      return {
        async *[Symbol.asyncIterator]() {
          try {
            yield* play(job, clock, stop.signal, () => reason)
          } finally {
            running.delete(stop)
          }
        },
        interrupt(because) {
          reason = because
          stop.abort()
        },
        endSettling: () => false,
      } satisfies Work
    },
    onWake() {},
    prepare() {},
    async close() {
      for (const stop of running) stop.abort()
    },
  }
}

async function* play(job: Job, clock: Clock, signal: AbortSignal, reason: () => string): AsyncGenerator<Happening> {
  const timestamp = () => new Date(clock.now()).toISOString()
  const sessionId = job.sessionId ?? randomUUID()
  yield { kind: 'session', sessionId }
  yield { kind: 'event', payload: initEvent(job, sessionId, timestamp()) }
  let result: ResultPayload | undefined
  try {
    for (const directive of parseDirectives(job.text)) {
      if (directive.do === 'load') yield* load(directive, sessionId, clock, signal)
      else if (directive.do === 'say') yield text(directive.text, sessionId, timestamp())
      else if (directive.do === 'ask') yield* ask(directive.tool, sessionId, clock, signal)
      else if (directive.do === 'hang') await sleep(2 ** 31 - 1, undefined, { signal })
      else if (directive.do === 'die') throw new Error('The scripted agent died, as it was told.')
      else result = errorResult('error_during_execution', 'The scripted agent failed, as it was told.', timestamp())
    }
  } catch (error) {
    if (!signal.aborted) throw error
    result = errorResult('interrupted', reason(), timestamp())
  }
  yield { kind: 'end', result: result ?? success(sessionId, timestamp()) }
}

/** Texts at a steady rate. The schedule is absolute, so that a late burst does not make all later ones late. */
async function* load(
  { count, rate, size, burst, delay }: Extract<Directive, { do: 'load' }>,
  sessionId: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Happening> {
  if (delay > 0) await sleep(delay, undefined, { signal })
  const start = performance.now()
  const padding = 'x'.repeat(size)
  for (let n = 0; n < count; n++) {
    if (n % burst === 0) {
      signal.throwIfAborted()
      const wait = rate > 0 ? start + (n / rate) * 1000 - performance.now() : 0
      if (wait >= 1) await sleep(wait, undefined, { signal })
      // An agent that floods still shares the loop.
      else if (n % 64 === 0) await nextTick()
    }
    const stamp = `#${n} @ts=${Math.round((performance.timeOrigin + performance.now()) * 1000)}@ `
    const event = text(stamp + padding, sessionId, new Date(clock.now()).toISOString())
    const surplus = JSON.stringify(event.payload).length - size
    yield surplus > 0 ? text(stamp + padding.slice(surplus), sessionId, String(event.payload['timestamp'])) : event
  }
}

async function* ask(tool: string, sessionId: string, clock: Clock, signal: AbortSignal): AsyncGenerator<Happening> {
  const { promise, resolve } = Promise.withResolvers<PermissionDecision>()
  signal.addEventListener('abort', () => resolve({ behavior: 'deny', message: 'Interrupted.' }))
  const id = `toolu_${randomUUID().replaceAll('-', '')}`
  const timestamp = new Date(clock.now()).toISOString()
  const input = { command: 'true', description: 'Asked for by the prompt' }
  yield {
    kind: 'event',
    payload: message('assistant', [{ type: 'tool_use', id, name: tool, input }], sessionId, timestamp),
  }
  yield {
    kind: 'ask',
    request: { tool, input, suggestions: [], blockedPath: undefined, toolUseId: id },
    signal,
    answer: resolve,
  }
  const decision = await promise
  signal.throwIfAborted()
  const content = decision.behavior === 'allow' ? 'Allowed. The scripted agent runs nothing.' : decision.message
  const block = { type: 'tool_result', tool_use_id: id, content, is_error: decision.behavior === 'deny' }
  yield { kind: 'event', payload: message('user', [block], sessionId, new Date(clock.now()).toISOString()) }
}

function text(words: string, sessionId: string, timestamp: string): { kind: 'event'; payload: EventPayload } {
  return { kind: 'event', payload: message('assistant', [{ type: 'text', text: words }], sessionId, timestamp) }
}

function message(role: 'assistant' | 'user', content: object[], sessionId: string, timestamp: string): EventPayload {
  const model = role === 'assistant' ? { model: 'scripted' } : {}
  return {
    type: role,
    message: { role, ...model, content },
    parent_tool_use_id: null,
    session_id: sessionId,
    timestamp,
  }
}

function initEvent(job: Job, sessionId: string, timestamp: string): EventPayload {
  return {
    type: 'system',
    subtype: 'init',
    cwd: job.folder,
    session_id: sessionId,
    tools: ['Bash'],
    model: 'scripted',
    permissionMode: job.options.permissionMode ?? 'default',
    agent: 'scripted: no process, no model; it obeys directives in the prompt',
    timestamp,
  }
}

function success(sessionId: string, timestamp: string): ResultPayload {
  return {
    type: 'result',
    subtype: 'success',
    duration_ms: 0,
    duration_api_ms: 0,
    is_error: false,
    num_turns: 1,
    session_id: sessionId,
    total_cost_usd: 0,
    result: 'The script has ended.',
    timestamp,
  }
}
