import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '@claude-proxy/protocol/errors'
import type { EventPayload } from '@claude-proxy/protocol/events'
import { type Service, Unreachable } from './service.ts'

/** What somebody sees who follows a conversation. */
export type Sight =
  | { readonly kind: 'event'; readonly number: number; readonly event: EventPayload }
  | { readonly kind: 'partial'; readonly partial: Partial }
  /** The connection is gone; it is tried again. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'back' }

/** What is being written (PROTOCOL.md 3.14), as far as it is shown here. */
export interface Partial {
  readonly kind: string
  readonly parent_tool_use_id?: string | null
  readonly block?: number
  readonly offset?: number
  readonly text?: string | null
}

interface Following {
  /** The number of the last event that is known. */
  readonly since: number
  readonly signal: AbortSignal
  readonly withPartials: boolean
}

/** The service says something every 15 seconds. */
const SILENT_MS = 45_000
const GIVE_UP_MS = 10 * 60_000
const MOST_WAIT_MS = 5000

/**
 * The events after `since`, then new ones as they happen, each once, through cut connections and restarts. Ends when
 * `signal` aborts or the conversation is deleted; throws when nobody has answered for ten minutes.
 */
export async function* follow(
  service: Service,
  id: string,
  { since, signal, withPartials }: Following,
): AsyncGenerator<Sight> {
  let [last, failures, lostAt] = [since, 0, 0]
  while (!signal.aborted) {
    try {
      for await (const message of connection(service, id, { last, signal, withPartials })) {
        if (failures > 0) yield { kind: 'back' }
        failures = 0
        if (message.kind === 'event') {
          if (message.number <= last) continue
          last = message.number
        }
        if (message.kind !== 'opened') yield message
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isPassing(error)) throw error
      if (failures > 0 && Date.now() - lostAt > GIVE_UP_MS) throw error
    }
    if (signal.aborted) return
    if (failures++ === 0) {
      lostAt = Date.now()
      yield { kind: 'cut' }
    }
    const pause = Math.min(MOST_WAIT_MS, 100 * 2 ** failures) * (0.5 + Math.random() / 2)
    await wait(pause, undefined, { signal }).catch(() => {})
  }
}

/** A restart answers 503 at first; a tunnel or a proxy may answer in its place. */
function isPassing(error: unknown): boolean {
  return error instanceof AppError ? error.status >= 500 && error.status !== 501 : isBrokenLine(error)
}

function isBrokenLine(error: unknown): boolean {
  return error instanceof Unreachable || error instanceof TypeError || (error as Error | null)?.name === 'AbortError'
}

type Message = Exclude<Sight, { kind: 'cut' | 'back' }> | { readonly kind: 'opened' }

async function* connection(
  service: Service,
  id: string,
  { last, signal, withPartials }: { last: number; signal: AbortSignal; withPartials: boolean },
): AsyncGenerator<Message> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENT_MS)
  try {
    const response = await service.open('watch', {
      path: { id },
      query: withPartials ? { partials: 'true' } : {},
      headers: { 'Last-Event-ID': String(last) },
      signal: AbortSignal.any([signal, silence.signal]),
    })
    yield { kind: 'opened' }
    let rest = ''
    for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      timer.refresh()
      const blocks = (rest + piece).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield* read(block)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** One message of the stream. Comments, `retry:` and names that are not known give nothing. */
function* read(block: string): Generator<Message> {
  const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), after(line)]))
  const [data, name] = [fields.get('data'), fields.get('event')]
  if (data === undefined) return
  if (name === 'partial') yield { kind: 'partial', partial: JSON.parse(data) as Partial }
  else if (name === undefined)
    yield { kind: 'event', number: Number(fields.get('id')), event: JSON.parse(data) as EventPayload }
}

function after(line: string): string {
  return line.slice(line.indexOf(':') + 1).trimStart()
}
