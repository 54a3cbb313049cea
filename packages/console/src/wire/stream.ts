import { Refusal, request } from './service.ts'

/** How a stream stands. `waiting` comes back by itself. */
export type StreamState = 'connecting' | 'live' | 'waiting' | 'ended'

/** A message of a stream: an event (`name` empty), a partial, a snapshot. */
export interface Message {
  readonly name: string
  readonly id: string | undefined
  readonly data: string
}

interface Following {
  readonly query: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly onState: (state: StreamState) => void
  /** A connection is there; what was shown of partials before is void. */
  readonly onOpen: (headers: Headers) => void
  readonly onMessages: (messages: readonly Message[]) => void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000
/** The service says something every 15 seconds. */
const SILENT_MS = 40_000

/** Follows a stream through cuts and restarts, from the last id on. Resolves when `signal` aborts; throws when refused for good. */
export async function follow(path: string, { query, signal, onState, onOpen, onMessages }: Following): Promise<void> {
  let last: string | undefined
  let failures = 0
  while (!signal.aborted) {
    onState('connecting')
    const link = new AbortController()
    const watchdog = createWatchdog(() => link.abort())
    try {
      const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': last }
      const response = await request(path, { query, headers, signal: AbortSignal.any([signal, link.signal]) })
      onOpen(response.headers)
      onState('live')
      failures = 0
      const parse = createParser()
      const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(decoder()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        watchdog.heard()
        const messages = parse(value)
        last = messages.findLast(({ id }) => id !== undefined)?.id ?? last
        const said = messages.filter(({ data }) => data !== '')
        if (said.length > 0) onMessages(said)
      }
    } catch (error) {
      if (signal.aborted) break
      if (error instanceof Refusal && error.status >= 400 && error.status < 500 && error.status !== 429) {
        onState('ended')
        throw error
      }
    } finally {
      watchdog.stop()
      link.abort()
    }
    onState('waiting')
    await pause(Math.min(FIRST_WAIT_MS * 2 ** failures++, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2), signal)
  }
  onState('ended')
}

function decoder(): TransformStream<Uint8Array, string> {
  return new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>
}

/** A connection that says nothing may be none any more. */
function createWatchdog(onSilence: () => void) {
  let timer = setTimeout(onSilence, SILENT_MS)
  return {
    heard() {
      clearTimeout(timer)
      timer = setTimeout(onSilence, SILENT_MS)
    },
    stop: () => clearTimeout(timer),
  }
}

/** Waits, no longer than until the network is back or the page is seen again. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const over = new AbortController()
  const done = () => {
    over.abort()
    resolve()
  }
  const timer = setTimeout(done, ms)
  over.signal.addEventListener('abort', () => clearTimeout(timer))
  window.addEventListener('online', done, over)
  document.addEventListener('visibilitychange', done, over)
  signal.addEventListener('abort', done, over)
  return promise
}

/** Reads what the service writes: lines that end in LF, one line of data a message. */
export function createParser(): (text: string) => Message[] {
  let rest = ''
  let searched = 0
  return (text) => {
    rest += text
    const found: Message[] = []
    for (let end = rest.indexOf('\n\n', searched); end >= 0; end = rest.indexOf('\n\n')) {
      found.push(read(rest.slice(0, end)))
      rest = rest.slice(end + 2)
    }
    // A line of megabytes is looked at once.
    searched = Math.max(0, rest.length - 1)
    return found
  }
}

function read(block: string): Message {
  let [name, data, id] = ['', '', undefined as string | undefined]
  for (const line of block.split('\n')) {
    if (line.startsWith('data: ')) data = line.slice(6)
    else if (line.startsWith('id: ')) id = line.slice(4)
    else if (line.startsWith('event: ')) name = line.slice(7)
  }
  return { name, data, id }
}
