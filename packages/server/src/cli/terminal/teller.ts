import type { EventPayload } from '@claude-proxy/protocol/events'
import { createRunDiff } from '@claude-proxy/protocol/run-diff'
import { joined } from '@claude-proxy/protocol/transcript/text'
import { createTurns, type Entry } from '@claude-proxy/protocol/transcript/turns'
import type { Partial } from './follow.ts'
import type { Screen } from './screen.ts'

/** Tells a conversation on a screen, event by event: what the agent says in full, its tool calls in a line each. */
export interface Teller {
  event(number: number, event: EventPayload): void
  partial(partial: Partial): void
  /** Drafts do not outlive their connection; what of them is shown stays. */
  cut(): void
  back(): void
  /** Moves the line that says what goes on. */
  tick(): void
}

interface OpenCall {
  readonly title: string
  readonly event: EventPayload
  readonly sinceMs: number
  readonly depth: number
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const MOST_DIFF_LINES = 40
const MOST_ERROR_LINES = 3

export function createTeller(screen: Screen): Teller {
  const turns = createTurns()
  const calls = new Map<string, OpenCall>()
  /** What is shown already of the answer that is being written. */
  let shown = ''
  let draft = ''
  let isCut = false
  let frame = 0

  return {
    event(number, event) {
      for (const entry of turns.take(number, event)) tell(entry, event)
    },
    partial({ kind, parent_tool_use_id: parent, offset, text }) {
      if (kind !== 'text' || parent || text === undefined) return
      if (text === null) return forget()
      draft = offset === 0 ? text : draft + text
      if (!draft.startsWith(shown)) return shown.startsWith(draft) ? undefined : forget()
      screen.grow(draft.slice(shown.length))
      shown = draft
    },
    cut() {
      draft = ''
      isCut = true
      screen.endGrowing()
    },
    back() {
      isCut = false
    },
    tick() {
      frame++
      const [call] = calls.values()
      if (isCut) return screen.status(`${spinner()} the connection is gone; trying again`)
      if (!call) return screen.status(draft === '' ? spinner() : undefined)
      const more = calls.size > 1 ? ` (+${calls.size - 1})` : ''
      screen.status(`${spinner()} ${duration(Date.now() - call.sinceMs)} ${call.title}${more}`)
    },
  }

  function spinner(): string {
    return SPINNER.charAt(frame % SPINNER.length)
  }

  /** What was being written is told, or the agent began again with it. */
  function forget(): void {
    shown = draft = ''
    screen.endGrowing()
  }

  function tell({ what, depth, at }: Entry, event: EventPayload): void {
    const indent = '  '.repeat(depth)
    switch (what.kind) {
      case 'prompt':
        return screen.text(`❯ ${joined(what.text)}`, 'bold', indent)
      case 'answer':
        return answer(joined(what.text), depth, indent)
      case 'call':
        forget()
        calls.set(what.id, {
          title: `${what.tool} ${what.summary}`.trim(),
          event,
          sinceMs: instant(at) ?? Date.now(),
          depth,
        })
        return
      case 'outcome':
        return outcome(what, event, at, indent)
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

  function outcome(
    what: Extract<Entry['what'], { kind: 'outcome' }>,
    event: EventPayload,
    at: string | undefined,
    indent: string,
  ): void {
    const call = calls.get(what.id)
    calls.delete(what.id)
    const took = call === undefined ? undefined : (instant(at) ?? Date.now()) - call.sinceMs
    const time = took === undefined ? '' : ` ${duration(took)}`
    const title = call?.title ?? what.tool ?? 'a tool'
    screen.line(`${indent}${what.isError ? '✗' : '✓'}${time} ${title}`, what.isError ? 'red' : 'green')
    if (what.isError) {
      const lines = joined(what.text).trim().split('\n').slice(0, MOST_ERROR_LINES)
      for (const line of lines) screen.line(`${indent}  ${line}`, 'red')
    } else if (call) diff(call.event, event, indent)
  }

  function diff(call: EventPayload, result: EventPayload, indent: string): void {
    const reading = createRunDiff()
    reading.take(0, call)
    reading.take(0, result)
    const lines = reading.result().files.flatMap(({ edits }) => edits.flatMap(({ patch }) => patch.split('\n')))
    for (const line of lines.slice(0, MOST_DIFF_LINES)) screen.line(`${indent}  ${line}`, colourOf(line))
    if (lines.length > MOST_DIFF_LINES) screen.line(`${indent}  … ${lines.length - MOST_DIFF_LINES} more lines`, 'dim')
  }

  function end({ isError, subtype, text, durationMs, costUsd, agentTurns }: Ended): void {
    calls.clear()
    forget()
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
