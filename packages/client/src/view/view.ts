import { type AgentEvent, type Block, isEvent } from '../events.ts'
import type { FollowItem, Snapshot } from '../follow.ts'
import { type Drafts, draftsWith, draftsWithout, noDrafts } from './drafts.ts'
import type { Entry, Question, ToolCall } from './entries.ts'
import { List } from './list.ts'
import { afterTurn, type OpenRun } from './open-run.ts'
import { attachmentsOf, type Queue, queueAfter } from './queue.ts'

/** A conversation as a screen shows it. */
export interface View {
  /** The number of the last event. */
  readonly last: number
  /** `waiting`: for a person. */
  readonly state: 'idle' | 'running' | 'waiting'
  readonly entries: List<Entry>
  /** What agents do that the agent has called, by the ids of the calls. */
  readonly agents: ReadonlyMap<string, List<Entry>>
  /** What a person is to answer, oldest first. */
  readonly questions: readonly Question[]
  readonly queue: Queue
  readonly drafts: Drafts
  /** What the conversation was when the stream began, if that was asked for: its title, what it has cost. */
  readonly snapshot: Snapshot | undefined
  readonly isRunning: boolean
  /** Undefined while no run is open, and where its beginning is not here. */
  readonly run: OpenRun | undefined
  /** Where the calls and questions stand that are not over. */
  readonly open: ReadonlyMap<string, Place>
}

interface Place {
  /** The agent's call; null for the main thread. */
  readonly agent: string | null
  readonly index: number
}

export const emptyView: View = {
  last: 0,
  state: 'idle',
  entries: new List(),
  agents: new Map(),
  questions: [],
  queue: [],
  drafts: noDrafts,
  snapshot: undefined,
  isRunning: false,
  run: undefined,
  open: new Map(),
}

/**
 * The view after an item of a stream. The same for replayed and for live events, however they come together; what is
 * told again changes nothing. Whatever has not changed stays the same object.
 */
export function view(state: View, item: FollowItem): View {
  switch (item.kind) {
    case 'open': {
      const before = item.verdict === 'reset' ? emptyView : state
      return { ...before, drafts: noDrafts, snapshot: item.snapshot ?? before.snapshot }
    }
    case 'partial':
      return { ...state, drafts: draftsWith(state.drafts, item.partial) }
    case 'gap': {
      if (item.before <= state.last + 1) return state
      const seq = item.before - 1
      const { after, before } = item
      return {
        ...append(state, null, { kind: 'gap', key: `${seq}.gap`, seq, at: undefined, after, before }),
        last: seq,
        // What is open behind it may be another run, and have cost more than is told.
        run: undefined,
      }
    }
    default:
      return item.id <= state.last ? state : afterEvent(state, item.id, item.event)
  }
}

/**
 * Whether events are still to come that were there when the stream began: what is shown is the past, and what waits in it
 * may long be answered. Known where `follow` was asked for a snapshot.
 */
export function isPast({ last, snapshot }: View): boolean {
  return last < (snapshot?.head ?? 0)
}

function afterEvent(state: View, seq: number, event: AgentEvent): View {
  const next = read({ ...state, last: seq, drafts: draftsWithout(state.drafts, event) }, seq, event)
  return { ...next, state: next.questions.length > 0 ? 'waiting' : next.isRunning ? 'running' : 'idle' }
}

function read(state: View, seq: number, event: AgentEvent): View {
  const base = { key: String(seq), seq, at: event['timestamp'] as string | undefined }
  const parent = event['parent_tool_use_id']
  const agent = typeof parent === 'string' ? parent : null

  if (isEvent(event, 'assistant')) {
    return event.message.content.reduce((now: View, block, n) => {
      const key = `${seq}.${n}`
      if (block.type === 'text') return append(now, agent, { ...base, key, kind: 'text', text: block.text })
      if (block.type === 'thinking') return append(now, agent, { ...base, key, kind: 'thinking', text: block.thinking })
      if (block.type !== 'tool_use' && block.type !== 'server_tool_use') return now
      const { id, name: tool, input } = block
      const call = { id, tool, input, state: 'running', result: undefined, durationMs: undefined } as const
      return append(now, agent, { ...base, key, kind: 'call', ...call })
    }, state)
  }
  if (isEvent(event, 'user')) {
    const results = event.message.content.filter((block) => block.type === 'tool_result')
    if (results.length > 0) return results.reduce((now, result) => settleCall(now, result, base.at), state)
    const text = textOf(event.message.content)
    if (agent !== null || isOwnWords(event, text)) return append(state, agent, { ...base, kind: 'note', event })
    const steers = event.steer === true
    const prompt = { text, steers, attachments: attachmentsOf(event), promptId: event.prompt_id }
    const asked = append(state, agent, { ...base, kind: 'prompt', ...prompt })
    const queue = queueAfter(state.queue, event, text)
    return steers ? { ...asked, queue } : begin({ ...asked, queue }, base)
  }
  if (isEvent(event, 'result')) {
    const { subtype, is_error: isError, result: text } = event
    const run = state.run && afterTurn(state.run, event)
    const spent = { begun: run?.begun, durationMs: msBetween(run?.at, base.at), costUsd: run?.costUsd }
    const end = append(state, null, { ...base, ...spent, kind: 'end', subtype, isError, text })
    return { ...cutCalls(end), isRunning: false, run: undefined }
  }
  if (isEvent(event, 'tool_permission')) {
    const question: Question = {
      ...base,
      kind: 'question',
      id: event.permission_id,
      about: event.kind,
      tool: event.tool_name,
      toolUseId: event.tool_use_id ?? undefined,
      input: event.input,
      rules: event.rules ?? [],
      deadline: event.deadline ?? undefined,
      state: 'pending',
      by: undefined,
      message: undefined,
    }
    const asked = append(state, state.open.get(event.tool_use_id ?? '')?.agent ?? null, question)
    return { ...asked, questions: [...state.questions, question] }
  }
  if (isEvent(event, 'tool_permission_settled')) {
    const { permission_id: id, how, behavior, by, message } = event
    const answer = behavior === 'allow' ? 'allowed' : 'denied'
    const settled = settle(state, id, (entry) =>
      entry.kind === 'question' ? { ...entry, state: how === 'answered' ? answer : how, by, message } : entry,
    )
    return { ...settled, questions: state.questions.filter((question) => question.id !== id) }
  }
  if (event.type === 'proxy_note') return append(state, agent, { ...base, kind: 'note', event })
  if (!isEvent(event, 'system')) return state
  if (event.subtype.startsWith('prompt_'))
    return { ...state, queue: queueAfter(state.queue, event, typeof event['text'] === 'string' ? event['text'] : '') }
  const noted = append(state, agent, { ...base, kind: 'note', event })
  if (event.subtype === 'session_adopted' || event.subtype === 'forked') return afterHistory(noted)
  if (event.subtype === 'turn_result') return { ...noted, run: noted.run && afterTurn(noted.run, event) }
  const begins = event.subtype === 'run_continued' || event.subtype === 'run_begun_by_agent'
  return begins ? begin(noted, base) : noted
}

function begin(state: View, { seq, at }: Pick<Entry, 'seq' | 'at'>): View {
  return { ...state, isRunning: true, run: { begun: seq, at, costUsd: 0, counted: undefined } }
}

function append(state: View, agent: string | null, entry: Entry): View {
  const entries = entriesOf(state, agent)
  const isOpen = entry.kind === 'call' || entry.kind === 'question'
  const open = isOpen ? new Map(state.open).set(entry.id, { agent, index: entries.length }) : state.open
  return { ...withEntries(state, agent, entries.plus(entry)), open }
}

/** Puts something else in the place of an open call or question, which is over then. */
function settle(state: View, id: string, change: (entry: Entry) => Entry): View {
  const place = state.open.get(id)
  if (!place) return state
  const open = new Map(state.open)
  open.delete(id)
  const entries = entriesOf(state, place.agent)
  const entry = entries.at(place.index)
  if (!entry) return state
  return { ...withEntries(state, place.agent, entries.with(place.index, change(entry))), open }
}

function settleCall(state: View, block: Extract<Block, { type: 'tool_result' }>, at: string | undefined): View {
  const isError = block.is_error === true
  return settle(state, block.tool_use_id, (entry) =>
    over(entry, { state: isError ? 'failed' : 'done', result: block.content, durationMs: msBetween(entry.at, at) }),
  )
}

/** A history has no results, and what is open or waits in it is the affair of where it comes from. */
function afterHistory(state: View): View {
  const cut = cutCalls(state)
  const withdrawn = state.questions.reduce(
    (now, { id }) => settle(now, id, (entry) => (entry.kind === 'question' ? { ...entry, state: 'cancelled' } : entry)),
    cut,
  )
  return { ...withdrawn, isRunning: false, run: undefined, questions: [], queue: [] }
}

/** What a run leaves open will not come to anything. Questions may: they outlive the run in a restart. */
function cutCalls(state: View): View {
  const open = new Map(state.open)
  let now = state
  for (const [id, { agent, index }] of state.open) {
    const entries = entriesOf(now, agent)
    const entry = entries.at(index)
    if (entry?.kind !== 'call') continue
    open.delete(id)
    now = withEntries(now, agent, entries.with(index, over(entry, { state: 'cut' })))
  }
  return { ...now, open }
}

function over(entry: Entry, outcome: Partial<ToolCall>): Entry {
  return entry.kind === 'call' ? { ...entry, ...outcome } : entry
}

function entriesOf({ entries, agents }: View, agent: string | null): List<Entry> {
  return agent === null ? entries : (agents.get(agent) ?? new List())
}

function withEntries(state: View, agent: string | null, entries: List<Entry>): View {
  if (agent === null) return { ...state, entries }
  return { ...state, agents: new Map(state.agents).set(agent, entries) }
}

/** What the agent tells itself is marked, or known by its words. */
function isOwnWords(event: AgentEvent, text: string): boolean {
  const isNotice = event['session_id'] !== undefined && text.startsWith('[Request interrupted by user')
  return isNotice || event['isSynthetic'] === true
}

function textOf(content: readonly Block[]): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}

function msBetween(from: string | undefined, to: string | undefined): number | undefined {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '')
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
