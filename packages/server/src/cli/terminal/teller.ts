import type { AgentEvent, FollowItem } from '@claude-proxy/client'
import { emptyView, type Entry as Shown, type ToolCall, type View } from '@claude-proxy/client/view'
import { summaryOfCall } from '@claude-proxy/protocol/transcript/call'
import { createRunDiff } from '@claude-proxy/protocol/run-diff'
import { joined } from '@claude-proxy/protocol/transcript/text'
import { createTurns, type Entry } from '@claude-proxy/protocol/transcript/turns'
import type { Screen } from './screen.ts'

/** Tells a conversation on a screen, event by event: what the agent says in full, its tool calls in a line each. */
export interface Teller {
  /** What comes, and the view with it. */
  take(item: FollowItem, now: View): void
  /** Drafts do not outlive their connection; what of them is shown stays. */
  cut(): void
  back(): void
  /** Moves the line that says what goes on. */
  tick(): void
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const MOST_DIFF_LINES = 40
const MOST_ERROR_LINES = 3

export function createTeller(screen: Screen): Teller {
  const turns = createTurns()
  let view = emptyView
  /** What is shown already of the answer that is being written. */
  let shown = ''
  let isCut = false
  let frame = 0
  let beganMs: number | undefined

  return {
    take(item, now) {
      const before = view
      view = now
      if (item.kind === 'partial') grow(draftIn(now))
      if (item.kind !== 'event') return
      for (const entry of turns.take(item.id, item.event)) tell(entry, item.event, before)
    },
    cut() {
      isCut = true
      screen.endGrowing()
    },
    back() {
      isCut = false
    },
    tick() {
      frame++
      if (isCut) return screen.status(`${spinner()} the connection is gone; trying again`)
      const [call, ...others] = openCalls(view)
      if (call) {
        const more = others.length > 0 ? ` (+${others.length})` : ''
        return screen.status(`${spinner()} ${since(instant(call.at))}${titleOf(call)}${more}`)
      }
      screen.status(draftIn(view) === '' ? `${spinner()} ${since(beganMs)}` : undefined)
    },
  }

  function spinner(): string {
    return SPINNER.charAt(frame % SPINNER.length)
  }

  function grow(draft: string): void {
    if (draft === shown) return
    if (draft === '') return forget()
    // After a cut it is written once more.
    if (!draft.startsWith(shown)) return shown.startsWith(draft) ? undefined : forget()
    screen.grow(draft.slice(shown.length))
    shown = draft
  }

  /** What was being written is told, or the agent began again with it. */
  function forget(): void {
    shown = ''
    screen.endGrowing()
  }

  function tell({ what, depth, at }: Entry, event: AgentEvent, before: View): void {
    const indent = '  '.repeat(depth)
    switch (what.kind) {
      case 'prompt':
        beganMs = instant(at)
        return screen.text(`❯ ${joined(what.text)}`, 'bold', indent)
      case 'answer':
        return answer(joined(what.text), depth, indent)
      case 'call':
        return forget()
      case 'outcome':
        return outcome(what, event, before, indent)
      case 'asked':
        return screen.line(`${indent}? ${what.tool} ${what.summary}`, 'yellow')
      case 'settled':
        return screen.line(
          `${indent}  ${what.behavior === 'allow' ? 'allowed' : 'denied'} (${what.how}, ${what.by})`,
          'dim',
        )
      case 'note':
        return screen.line(`${indent}· ${joined(what.text)}`, 'dim')
      case 'end':
        return end(what)
      case 'thinking':
        return
    }
  }

  /** The part of it that is not there yet. */
  function answer(text: string, depth: number, indent: string): void {
    if (depth > 0) return screen.text(text, 'dim', indent)
    const isRest = shown !== '' && text.startsWith(shown)
    if (!isRest) screen.endGrowing()
    screen.grow(isRest ? text.slice(shown.length) : text)
    forget()
  }

  function outcome(what: Outcome, event: AgentEvent, before: View, indent: string): void {
    const [call, settled] = [callIn(before, before, what.id), callIn(before, view, what.id)]
    const time = settled?.durationMs === undefined ? '' : ` ${duration(settled.durationMs)}`
    const title = call ? titleOf(call) : (what.tool ?? 'a tool')
    screen.line(`${indent}${what.isError ? '✗' : '✓'}${time} ${title}`, what.isError ? 'red' : 'green')
    if (what.isError) {
      const lines = joined(what.text).trim().split('\n').slice(0, MOST_ERROR_LINES)
      for (const line of lines) screen.line(`${indent}  ${line}`, 'red')
    } else if (call) diff(call, event, indent)
  }

  function diff({ id, tool: name, input }: ToolCall, result: AgentEvent, indent: string): void {
    const reading = createRunDiff()
    reading.take(0, { message: { content: [{ type: 'tool_use', id, name, input }] } })
    reading.take(0, result)
    const lines = reading.result().files.flatMap(({ edits }) => edits.flatMap(({ patch }) => patch.split('\n')))
    for (const line of lines.slice(0, MOST_DIFF_LINES)) screen.line(`${indent}  ${line}`, colourOf(line))
    if (lines.length > MOST_DIFF_LINES) screen.line(`${indent}  … ${lines.length - MOST_DIFF_LINES} more lines`, 'dim')
  }

  function end({ isError, subtype, text, durationMs, agentTurns, costUsd }: Ended): void {
    forget()
    beganMs = undefined
    if (isError && text) screen.text(joined(text), 'red')
    const facts = [
      isError ? `failed: ${subtype}` : 'done',
      durationMs === undefined ? undefined : duration(durationMs),
      agentTurns === undefined ? undefined : `${agentTurns} ${agentTurns === 1 ? 'turn' : 'turns'}`,
      costUsd === undefined ? undefined : cost(costUsd),
    ]
    screen.line(`■ ${facts.filter((fact) => fact !== undefined).join(' · ')}`, isError ? 'red' : 'dim')
  }
}

type Ended = Extract<Entry['what'], { kind: 'end' }>
type Outcome = Extract<Entry['what'], { kind: 'outcome' }>

/** The view to go on with: of a run that is over, nothing is told any more. */
export function restOf(view: View): View {
  const isOver = !view.isRunning && view.open.size === 0 && view.entries.length > 0
  return isOver ? { ...emptyView, last: view.last, queue: view.queue } : view
}

/** What the agent itself is saying just now. */
function draftIn({ drafts }: View): string {
  const texts = [...drafts.texts.values()].filter(({ kind, agent }) => kind === 'text' && agent === null)
  return texts.at(-1)?.text ?? ''
}

function openCalls(view: View): ToolCall[] {
  return [...view.open.keys()].flatMap((id) => callIn(view, view, id) ?? [])
}

/** What has become now of a call that was open before. */
function callIn(before: View, now: View, id: string): ToolCall | undefined {
  const place = before.open.get(id)
  if (!place) return undefined
  const entries = place.agent === null ? now.entries : now.agents.get(place.agent)
  const entry: Shown | undefined = entries?.at(place.index)
  return entry?.kind === 'call' ? entry : undefined
}

function titleOf({ tool, input }: ToolCall): string {
  return `${tool} ${summaryOfCall(input)}`.trim()
}

/** How long ago that was, and a blank. */
function since(ms: number | undefined): string {
  return ms === undefined ? '' : `${duration(Date.now() - ms)} `
}

function colourOf(line: string) {
  if (line.startsWith('+')) return 'green'
  if (line.startsWith('-')) return 'red'
  return line.startsWith('@@') ? 'cyan' : 'dim'
}

/** For a person: `0.4 s`, `12 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}

export function cost(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`
}

function instant(at: string | undefined): number | undefined {
  const ms = Date.parse(at ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
