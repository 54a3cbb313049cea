import { errorResult, type EventPayload } from '@claude-proxy/protocol/events'
import { escapeNonAscii, toLine } from '@claude-proxy/protocol/json'

/** What was found in the events of a conversation, each with the number it is about. */
export interface Finding {
  readonly number: number
  readonly what: 'unreadable' | 'glued' | 'switch_notice' | 'closed'
}

export interface Repaired {
  /** The events, ready to be stored: line n is event n. */
  readonly lines: readonly string[]
  readonly findings: readonly Finding[]
}

/**
 * The original's `events.ndjson`, line for line: every line keeps its number. What is no event becomes a note that
 * clients skip, and a last run without its end gets one. Pure.
 */
export function repairEvents(file: string, timestamp: string): Repaired {
  const findings: Finding[] = []
  const lines = withoutLastBreak(file).map((line, index) => {
    const { payload, what } = read(line)
    if (what) findings.push({ number: index + 1, what })
    // A line that is sound stays as it is, byte for byte but for the escapes.
    return { type: payload.type, text: what ? toLine(payload) : escapeNonAscii(line) }
  })
  const after = lines.slice(lines.findLastIndex(({ type }) => type === 'result') + 1)
  if (after.some(({ type }) => type !== NOTE)) {
    const end = errorResult('service_stopped', 'This run was cut off before it was brought here.', timestamp)
    lines.push({ type: end.type, text: toLine(end) })
    findings.push({ number: lines.length, what: 'closed' })
  }
  return { lines: lines.map(({ text }) => text), findings }
}

/** The type of our notes; clients skip what they do not know. */
const NOTE = 'proxy_note'

function read(line: string): { payload: EventPayload; what?: Finding['what'] } {
  const values = readValues(line)
  const [first, ...others] = values
  if (!first) return { payload: { type: NOTE, subtype: 'unreadable', raw: line.slice(0, 10_000) }, what: 'unreadable' }
  if (others.length > 0) {
    // Of two events under one number the one that ends a run is the one a client must not miss.
    const told = values.find(({ type }) => type === 'result') ?? first
    return { payload: { ...told, glued_events: values.filter((value) => value !== told) }, what: 'glued' }
  }
  // Stored by the original; in a replay it would make the app start over without end.
  if (first.type === 'proxy_session')
    return { payload: { ...first, type: NOTE, subtype: 'switched' }, what: 'switch_notice' }
  return { payload: first }
}

/** The events in a line: one as a rule, several when a break between them is missing, none when it is not JSON. */
function readValues(line: string): EventPayload[] {
  const whole = readEvent(line)
  if (whole) return [whole]
  const values: EventPayload[] = []
  let start = 0
  for (let end = line.indexOf('}'); end >= 0; end = line.indexOf('}', end + 1)) {
    // An event can only end where the next one begins, or the line does.
    if (end + 1 < line.length && line[end + 1] !== '{') continue
    const value = readEvent(line.slice(start, end + 1))
    if (!value) continue
    values.push(value)
    start = end + 1
  }
  return start === line.length ? values : []
}

function readEvent(text: string): EventPayload | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isEvent = typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
    return isEvent ? (value as EventPayload) : undefined
  } catch {
    return undefined
  }
}

/** The lines of a file; a break at its end does not begin another. */
function withoutLastBreak(file: string): string[] {
  const lines = file.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}
