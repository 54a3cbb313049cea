import { randomUUID } from 'node:crypto'
import { errorResult, type ResultPayload } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Agent, Happening, Job, Work } from '../../core/ports/agent.ts'
import type { Clock } from '../../core/ports/outside.ts'
import type { PermissionDecision } from '../../core/ports/approval.ts'
import { parseDirectives } from './directives.ts'
import { draft } from './draft.ts'
import { load } from './load.ts'
import { factsOf, initEvent, listOf, message, type Spent, success, text, type Tuning, used } from './messages.ts'
import { createScriptedSessions } from './sessions.ts'
import { createSteering, type Steering } from './steering.ts'
import { createTicker, type Ticker } from './ticker.ts'
import { timestamp } from '../../core/timestamp.ts'

/**
 * A stand-in without process and model, for load, benchmarks and the tests of clients. It obeys directives in the
 * prompt and says what it is. Only the operator can choose it.
 */
export function createScriptedAgent({ clock }: { clock: Clock }): Agent {
  const running = new Set<AbortController>()
  const ticker = createTicker()
  const sessions = createScriptedSessions(clock)
  /** What each conversation's run works with. */
  const tunings = new Map<ConversationId, Tuning>()

  return {
    name: 'scripted',
    async unready() {
      return undefined
    },
    work(job) {
      const stop = new AbortController()
      running.add(stop)
      let reason = 'Interrupted by user'
      const steering = createSteering()
      tunings.set(job.conversation, job.options)
      const over = () => {
        running.delete(stop)
        tunings.delete(job.conversation)
      }
      const tuning = () => tunings.get(job.conversation) ?? job.options
      return {
        [Symbol.asyncIterator]: () =>
          noted(job, play(job, { clock, ticker, steering, signal: stop.signal, reason: () => reason, tuning, over })),
        steer: (prompt, words, attached = []) => steering.give({ prompt, words, attached }),
        get isSteerable() {
          return steering.isOpen
        },
        steersWith: () => true,
        interrupt(because) {
          reason = because
          steering.close()
          stop.abort()
        },
        endSettling: () => false,
      } satisfies Work
    },
    onWake() {},
    prepare() {},
    endBackground: () => false,
    rewind: () => Promise.resolve({ status: 'no_checkpoint', why: 'The scripted agent changes no files.' }),
    sessions,
    load: async () => ({ working: 0, resting: 0, bytes: 0 }),
    async adjust(conversation, { model, permissionMode }) {
      const before = tunings.get(conversation)
      if (!before) return { taken: [], facts: {}, before: {} }
      // As with Claude Code, another effort is the next run's.
      const changes = { ...(model !== undefined && { model }), ...(permissionMode !== undefined && { permissionMode }) }
      const taken = (['model', 'permissionMode'] as const).filter((name) => name in changes)
      const now = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null)
      tunings.set(conversation, Object.fromEntries(now))
      const { effort: _, ...facts } = factsOf(Object.fromEntries(now))
      return { taken, facts, before: Object.fromEntries(taken.map((name) => [name, before[name] ?? null])) }
    },
    async close() {
      for (const stop of running) stop.abort()
    },
  }

  /** All that happens, as the agent's own session will have it. */
  async function* noted(job: Job, happenings: AsyncIterable<Happening>): AsyncGenerator<Happening> {
    let session = ''
    for await (const happening of happenings) {
      if (happening.kind === 'session') {
        session = happening.sessionId
        sessions.begin(session, job)
      } else if (happening.kind === 'event') sessions.add(session, happening.payload)
      yield happening
    }
  }
}

interface Stage {
  readonly clock: Clock
  readonly ticker: Ticker
  readonly steering: Steering
  readonly signal: AbortSignal
  /** Why it was stopped. */
  readonly reason: () => string
  /** What it works with now. */
  readonly tuning: () => Tuning
  readonly over: () => void
}

async function* play(
  job: Job,
  { clock, ticker, steering, signal, reason, tuning, over }: Stage,
): AsyncGenerator<Happening> {
  const now = () => timestamp(clock.now())
  const sessionId = job.sessionId ?? randomUUID()
  try {
    yield { kind: 'session', sessionId }
    yield { kind: 'event', payload: initEvent(job, sessionId, now()) }
    if (job.attached?.length) yield text(await listOf(job.attached), sessionId, now())
    yield { kind: 'facts', facts: factsOf(tuning()) }
    const spent: Spent = new Map()
    let result: ResultPayload | undefined
    try {
      for (const directive of parseDirectives(job.text)) {
        yield* steering.take(sessionId, now)
        if (directive.do === 'load') yield* load(directive, { sessionId, clock, ticker, signal })
        else if (directive.do === 'draft') yield* draft(directive, { sessionId, clock, ticker, signal })
        else if (directive.do === 'say') yield text(directive.text, sessionId, now())
        else if (directive.do === 'ask') yield* ask(directive.tool, sessionId, clock, signal)
        else if (directive.do === 'use') yield* used(tuning(), directive, spent)
        else if (directive.do === 'hang') yield* hang(steering, sessionId, now, signal)
        else if (directive.do === 'die') throw new Error('The scripted agent died, as it was told.')
        else result = errorResult('error_during_execution', 'The scripted agent failed, as it was told.', now())
      }
      yield* steering.take(sessionId, now)
    } catch (error) {
      if (!signal.aborted) throw error
      result = errorResult('interrupted', reason(), now())
    }
    steering.close()
    yield { kind: 'end', result: result ?? success(tuning(), spent, sessionId, now()) }
  } finally {
    over()
  }
}

/** Never ends by itself; says back what it is steered with meanwhile. */
async function* hang(
  steering: Steering,
  sessionId: string,
  now: () => string,
  signal: AbortSignal,
): AsyncGenerator<Happening> {
  for (;;) {
    yield* steering.take(sessionId, now)
    await steering.given(signal)
  }
}

async function* ask(tool: string, sessionId: string, clock: Clock, signal: AbortSignal): AsyncGenerator<Happening> {
  const { promise, resolve } = Promise.withResolvers<PermissionDecision>()
  signal.addEventListener('abort', () => resolve({ behavior: 'deny', message: 'Interrupted.' }))
  const id = `toolu_${randomUUID().replaceAll('-', '')}`
  // Whoever reads the description as a prompt makes the very same call again.
  const input = { command: 'true', description: `As in @ask tool=${tool} ` }
  yield {
    kind: 'event',
    payload: message('assistant', [{ type: 'tool_use', id, name: tool, input }], sessionId, timestamp(clock.now())),
  }
  yield {
    kind: 'ask',
    request: {
      kind: 'tool',
      isRememberable: true,
      tool,
      input,
      suggestions: [],
      blockedPath: undefined,
      toolUseId: id,
    },
    signal,
    answer: resolve,
  }
  const decision = await promise
  signal.throwIfAborted()
  const content = decision.behavior === 'allow' ? 'Allowed. The scripted agent runs nothing.' : decision.message
  const block = { type: 'tool_result', tool_use_id: id, content, is_error: decision.behavior === 'deny' }
  yield { kind: 'event', payload: message('user', [block], sessionId, timestamp(clock.now())) }
}
