import { type Block, blocksOf, type Event } from './events.ts'
import { gist } from '../../words.ts'
import { type Share, sharesOf } from './shares.ts'

/** An event with its number. */
export interface Numbered {
  readonly seq: number
  readonly event: Event
}

/** From and to, in milliseconds since 1970. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Something that took time. */
export interface Span extends Stretch {
  readonly kind: 'start' | 'model' | 'tool' | 'agent' | 'wait'
  /** The number of the event that began or told it. */
  readonly seq: number
  readonly name: string
  readonly about: string
  /** The call of the agent that did it; empty: the main thread did. */
  readonly agent: string
  /** The tool call that it is; else empty. */
  readonly call: string
  /** How many agents it is inside of. */
  readonly depth: number
  /** `cut`: the run was over before it was. */
  readonly state: 'open' | 'done' | 'failed' | 'cut'
  /** When it waited for a person. */
  readonly waits: readonly Stretch[]
}

export interface Timeline extends Stretch {
  readonly isOver: boolean
  /** In the order in which they began; what an agent did follows the call of it. */
  readonly spans: readonly Span[]
  /** What the time went to: each moment counts once, however much went on in it. */
  readonly shares: Readonly<Record<Share, number>>
}

type OpenStretch = { from: number; to: number | undefined }
type OpenSpan = Omit<Span, 'to' | 'waits' | 'state' | 'about'> & {
  to: number | undefined
  state: Span['state']
  about: string
  readonly waits: OpenStretch[]
}

type Begun = Pick<Span, 'kind' | 'seq' | 'name' | 'from'> & Partial<Pick<Span, 'about' | 'call' | 'to'>>

/** The main thread, or that of an agent that was called. */
interface Thread {
  readonly agent: string
  readonly depth: number
  /** When it could begin with what it writes next. */
  ready: number
  /** What the model writes; one answer of it comes as several events. */
  turn: { readonly message: string | undefined; readonly span: OpenSpan } | undefined
}

/**
 * What took how long in a run, by the times of its events: the first is the one that began it. A run that is not over
 * goes on until `now`.
 */
export function timelineOf(events: readonly Numbered[], now: number): Timeline {
  const spans: OpenSpan[] = []
  const calls = new Map<string, OpenSpan>()
  const threads = new Map<string, Thread>()
  const questions = new Map<string, OpenStretch>()
  /** Calls of agents that go on when the call has its result. */
  const background = new Set<string>()
  const begin = timeOf(events[0]?.event) ?? now
  let last = begin
  let isOver = false

  for (const { seq, event } of events) {
    last = Math.max(last, timeOf(event) ?? last)
    take(seq, event, last)
    if (isOver) break
  }
  const end = isOver ? last : Math.max(last, now)
  const closed = spans.map((span): Span => {
    const isOpen = span.to === undefined
    return {
      ...span,
      to: span.to ?? end,
      waits: span.waits.map(({ from, to = end }) => ({ from, to })),
      ...(isOpen && isOver && { state: 'cut' as const }),
    }
  })
  return { from: begin, to: end, isOver, spans: inOrder(closed), shares: sharesOf(closed, { from: begin, to: end }) }

  function take(seq: number, event: Event, at: number): void {
    const parent = event.parent_tool_use_id ?? ''
    switch (event.type) {
      case 'assistant':
        return takeAnswer(seq, event, parent, at)
      case 'user':
        for (const block of blocksOf(event)) if (block.type === 'tool_result') takeResult(block, parent, at)
        return undefined
      case 'tool_permission':
        return takeQuestion(seq, event, at)
      case 'tool_permission_settled':
        return takeSettled(textOf(event['permission_id']), at)
      case 'system':
        return takeSystem(seq, event, at)
      case 'result':
        isOver = true
        return undefined
      default:
        return undefined
    }
  }

  function takeAnswer(seq: number, event: Event, parent: string, at: number): void {
    const thread = threadOf(parent)
    const message = event.message?.id
    if (thread.turn && message !== undefined && thread.turn.message === message) thread.turn.span.to = at
    else {
      const { ready: from } = thread
      const span = put(thread, { kind: 'model', seq, name: 'Model', from, to: at })
      thread.turn = { message, span }
    }
    for (const block of blocksOf(event)) takeBlock(seq, block, thread, at)
    thread.ready = at
  }

  function takeBlock(
    seq: number,
    { type, id = '', name = '', input = {}, text = '' }: Block,
    thread: Thread,
    at: number,
  ) {
    const { span } = thread.turn ?? {}
    if (span?.about === '' && type === 'text') span.about = text.slice(0, 200)
    if ((type !== 'tool_use' && type !== 'server_tool_use') || calls.has(id)) return
    if (span?.about === '') span.about = `calls ${name}`
    else if (span?.about.startsWith('calls ')) span.about += `, ${name}`
    const kind = AGENTS.has(name) ? 'agent' : 'tool'
    const about = gist('', name, input)
    calls.set(id, put(thread, { kind, seq, name, about, call: id, from: at }))
  }

  function takeResult({ tool_use_id: id = '', is_error: isError }: Block, parent: string, at: number): void {
    const call = calls.get(id)
    threadOf(parent).ready = at
    if (!call || background.has(id)) return
    call.to = at
    call.state = isError === true ? 'failed' : 'done'
  }

  function takeQuestion(seq: number, event: Event, at: number): void {
    const call = calls.get(textOf(event['tool_use_id']))
    const wait: OpenStretch = { from: at, to: undefined }
    questions.set(textOf(event['permission_id']), wait)
    const name = textOf(event['tool_name']) || 'Question'
    const about = gist('', name, Object(event['input']))
    const holder = call ?? put(threadOf(''), { kind: 'wait', seq, name, about, from: at })
    holder.waits.push(wait)
  }

  function takeSettled(id: string, at: number): void {
    const wait = questions.get(id)
    if (!wait) return
    wait.to = at
    const alone = spans.find((span) => span.kind === 'wait' && span.waits.includes(wait))
    if (alone) Object.assign(alone, { to: at, state: 'done' })
  }

  function takeSystem(seq: number, event: Event, at: number): void {
    const id = textOf(event['tool_use_id'])
    const main = threadOf('')
    if (event.subtype === 'init' && main.turn === undefined) {
      if (at > begin) put(main, { kind: 'start', seq, name: 'Start', from: begin, to: at })
      main.ready = at
    } else if (event.subtype === 'task_started' && event['is_backgrounded'] === true) background.add(id)
    else if (event.subtype === 'task_notification') {
      const call = calls.get(id)
      const state = event['status'] === 'completed' ? 'done' : 'failed'
      if (call && background.has(id)) Object.assign(call, { to: at, state })
      main.ready = at
    }
  }

  function threadOf(parent: string): Thread {
    const known = threads.get(parent)
    if (known) return known
    const call = calls.get(parent)
    const made: Thread = {
      // Of an agent that was called before this run nothing is known but that it works.
      agent: call ? parent : '',
      depth: call ? call.depth + 1 : 0,
      ready: call?.from ?? begin,
      turn: undefined,
    }
    threads.set(parent, made)
    return made
  }

  function put({ agent, depth }: Thread, span: Begun): OpenSpan {
    const state = span.to === undefined ? 'open' : 'done'
    const made: OpenSpan = { about: '', call: '', to: undefined, ...span, agent, depth, state, waits: [] }
    spans.push(made)
    return made
  }
}

/** By their beginnings, each agent's own right behind the call of it. */
function inOrder(spans: readonly Span[]): Span[] {
  const byAgent = Map.groupBy(
    spans.toSorted((a, b) => a.from - b.from || a.seq - b.seq),
    ({ agent }) => agent,
  )
  const ordered: Span[] = []
  const put = (agent: string) => {
    for (const span of byAgent.get(agent) ?? []) {
      ordered.push(span)
      if (span.call !== '') put(span.call)
    }
  }
  put('')
  return ordered
}

const AGENTS = new Set(['Task', 'Agent'])

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function timeOf(event: Event | undefined): number | undefined {
  const at = Date.parse(event?.timestamp ?? '')
  return Number.isNaN(at) ? undefined : at
}
