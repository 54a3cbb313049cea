import type { RunId } from '@claude-proxy/protocol/ids'
import type { Attributes, Span, Tracer } from '../ports/tracing.ts'

export interface RequestedRun {
  readonly run: RunId
  readonly attributes: Attributes
  /** When the request came. */
  readonly at: number
  /** It may have to wait: what happens in the conversation meanwhile is others'. */
  readonly isQueued: boolean
  /** The `traceparent` of the request. */
  readonly parent: string | undefined
}

/** What is read of events here. Nothing of what people, models and tools say is. */
interface Event {
  readonly type?: string
  readonly subtype?: string
  readonly timestamp?: string
  readonly prompt_id?: string
  readonly is_error?: boolean
  readonly num_turns?: number
  readonly total_cost_usd?: number
  readonly message?: { readonly model?: string; readonly content?: unknown }
}

interface Block {
  readonly type?: string
  readonly id?: string
  readonly name?: string
  readonly tool_use_id?: string
  readonly is_error?: boolean
}

/**
 * Makes spans of a run's events: one of the run, from its request to its terminal event, and in it one of each tool call.
 * Names and attributes are those that OpenTelemetry has for agents (semantic conventions, "GenAI agent spans").
 */
export class RunTrace {
  readonly #tracer: Tracer
  readonly #run: RunId
  readonly #root: Span
  readonly #calls = new Map<string, Span>()
  #isOurs: boolean
  #hasSpoken = false
  #isOver = false
  #now: number

  constructor(tracer: Tracer, { run, attributes, at, isQueued, parent }: RequestedRun) {
    this.#tracer = tracer
    this.#run = run
    this.#isOurs = !isQueued
    this.#now = at
    this.#root = tracer.start({
      name: 'invoke_agent claude-code',
      at,
      parent,
      isRequest: true,
      attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'claude-code', ...attributes },
    })
  }

  /** Takes the next event of the conversation. */
  take(event: Event): void {
    if (this.#isOver) return
    const at = Date.parse(event.timestamp ?? '')
    if (!Number.isNaN(at)) this.#now = at
    const concerns = event.prompt_id === this.#run
    if (event.type === 'user' && concerns) this.#isOurs = true
    if (event.type === 'system' && concerns) this.#noteQueue(event)
    if (!this.#isOurs) return
    if (event.type === 'user') this.#noteResults(event)
    else if (event.type === 'assistant') this.#noteCalls(event)
    else if (event.type === 'system' && event.subtype === 'init') this.#root.note('agent_started', this.#now)
    else if (event.type === 'tool_permission') this.#root.note('permission_asked', this.#now)
    else if (event.type === 'tool_permission_settled') this.#root.note('permission_settled', this.#now)
    else if (event.type === 'result') this.#noteEnd(event)
  }

  /** There is no more to come. What is open ends with the last event. */
  close(failure?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const call of this.#calls.values()) call.end(this.#now, 'no_result')
    this.#root.end(this.#now, failure)
  }

  #noteQueue({ subtype = '' }: Event): void {
    this.#root.note(subtype, this.#now)
    if (subtype !== 'prompt_cancelled' && subtype !== 'prompt_steered') return
    this.#root.set({ 'claude_proxy.outcome': subtype })
    this.close()
  }

  #noteResults({ message }: Event): void {
    const results = blocksOf(message?.content).filter(({ type }) => type === 'tool_result')
    if (results.length === 0) this.#root.note('prompt', this.#now)
    for (const { tool_use_id: id = '', is_error: isError } of results) {
      this.#calls.get(id)?.end(this.#now, isError ? 'tool_error' : undefined)
      this.#calls.delete(id)
    }
  }

  #noteCalls({ message }: Event): void {
    if (!this.#hasSpoken) {
      this.#hasSpoken = true
      this.#root.note('first_message', this.#now)
      if (message?.model !== undefined) this.#root.set({ 'gen_ai.response.model': message.model })
    }
    for (const { type, id = '', name = '' } of blocksOf(message?.content)) {
      if (type !== 'tool_use' || this.#calls.has(id)) continue
      const attributes = {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': name,
        'gen_ai.tool.call.id': id,
      }
      const call = this.#tracer.start({ name: `execute_tool ${name}`, at: this.#now, parent: this.#root, attributes })
      this.#calls.set(id, call)
    }
  }

  #noteEnd({ subtype = '', is_error: isError, num_turns: turns, total_cost_usd: cost }: Event): void {
    this.#root.set({
      'claude_proxy.outcome': subtype,
      ...(turns !== undefined && { 'claude_proxy.turns': turns }),
      ...(cost !== undefined && { 'claude_proxy.session_cost_usd': cost }),
    })
    this.close(isError ? subtype : undefined)
  }
}

function blocksOf(content: unknown): readonly Block[] {
  return Array.isArray(content) ? content : []
}
