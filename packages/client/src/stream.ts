import { ClaudeProxyError } from './errors.ts'
import { type Asked, asError, request, type Service } from './http.ts'
import { createParser, type Message } from './sse.ts'
import { backOff, type Linked, linkTo, type OnWake, sleep } from './waiting.ts'

/** How a stream stands, for those who show it. */
export type StreamState =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** It comes back by itself, at the latest then. `error` is what ended it, if it was no orderly end. */
  | { readonly state: 'waiting'; readonly retryInMs: number; readonly error: ClaudeProxyError | undefined }

export interface StreamOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined
  readonly onState?: ((state: StreamState) => void) | undefined
}

/** What is read, and from where: the one who knows what the messages mean. */
export interface Reader<I> {
  /** The request for what comes after that which was taken. */
  asks(): Asked
  /** The stream begins, or begins anew. */
  opens(headers: Headers): I[]
  /** What a message means. May throw a passing error: then it is asked again. */
  takes(message: Message): I[]
}

/** The service says something every 15 seconds. */
const SILENT_MS = 40_000
/** What is woken looks this closely: a phone that slept may have a connection that is none any more. */
const QUIET_MS = 20_000
const RETRY_MS = 1000

/**
 * One stream out of as many connections as it takes. It is pulled: what nobody asks for stays with the service. Throws
 * when the service has refused for good.
 */
export async function* readStream<I>(
  service: Service,
  reader: Reader<I>,
  { signal: wanted, onState }: StreamOptions,
): AsyncGenerator<I, void, undefined> {
  const whole = linkTo(wanted)
  let failures = 0
  let retryMs = RETRY_MS
  try {
    while (!whole.signal.aborted) {
      onState?.({ state: 'connecting' })
      const link = linkTo(whole.signal)
      let error: ClaudeProxyError | undefined
      try {
        const response = await timed(link, () => request(service, reader.asks(), link.signal))
        const source = sourceOf(response)
        failures = 0
        onState?.({ state: 'live' })
        yield* reader.opens(response.headers)
        for await (const message of readMessages(source, link, service.onWake)) {
          if (whole.signal.aborted) return
          retryMs = message.retry ?? retryMs
          yield* reader.takes(message)
        }
      } catch (thrown) {
        if (whole.signal.aborted) return
        error = reasonOf(thrown, link.signal)
        if (!error.isPassing) throw error
      } finally {
        // Also when nobody asks for more: the connection goes.
        link.abort(undefined)
        link.release()
      }
      failures++
      const retryInMs = error?.retryAfterMs ?? backOff(failures, retryMs)
      onState?.({ state: 'waiting', retryInMs, error })
      await sleep(retryInMs, whole.signal, service.onWake)
    }
  } finally {
    whole.release()
  }
}

/** What a connection ended with: what it was aborted for comes first. */
function reasonOf(thrown: unknown, signal: AbortSignal): ClaudeProxyError {
  try {
    return asError(thrown, signal)
  } catch (reason) {
    if (reason instanceof ClaudeProxyError) return reason
    throw reason
  }
}

type Source = ReadableStreamDefaultReader<Uint8Array>

function sourceOf({ status, headers, body }: Response): Source {
  // Somebody in between who answers everything with a page of theirs.
  if (!headers.get('content-type')?.startsWith('text/event-stream'))
    throw new ClaudeProxyError('unexpected', 'What answered is no event stream.', { status })
  if (!body)
    throw new TypeError('This fetch cannot stream. Give createClient one that can, such as that of expo/fetch.')
  return body.getReader()
}

async function* readMessages(source: Source, link: Linked, onWake: OnWake): AsyncGenerator<Message, void, undefined> {
  const decoder = new TextDecoder()
  const parse = createParser()
  let heardAt = Date.now()
  const stopListening = onWake(() => {
    if (Date.now() - heardAt > QUIET_MS) link.abort(silent(QUIET_MS))
  })
  try {
    for (;;) {
      const { done, value } = await timed(link, () => source.read())
      if (done) return
      heardAt = Date.now()
      yield* parse(decoder.decode(value, { stream: true }))
    }
  } finally {
    stopListening()
  }
}

/** What came as `data`. Where somebody in between has cut it, it is asked for again. */
export function readJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new ClaudeProxyError('unexpected', 'What came over the stream is not what the service sends.', { cause })
  }
}

/** A wait that the connection does not survive when it takes too long. */
async function timed<T>(link: Linked, wait: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => link.abort(silent(SILENT_MS)), SILENT_MS)
  try {
    return await wait()
  } finally {
    clearTimeout(timer)
  }
}

function silent(ms: number): ClaudeProxyError {
  return new ClaudeProxyError('silent', `The service has said nothing for ${ms / 1000} seconds.`)
}
