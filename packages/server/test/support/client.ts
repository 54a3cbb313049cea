import { Agent, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { checkAsDocumented } from './as-documented.ts'

/** An event as a client holds it. */
export interface Received {
  readonly id: number
  readonly data: string
  readonly event: { type: string; subtype?: string; [field: string]: unknown }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly json: Record<string, unknown> | undefined
}

export interface CallOptions {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Sent as JSON, or as it is when it is text or bytes. */
  readonly body?: object | string
}

/** One call, read to its end. */
export async function call(url: string, options: CallOptions = {}): Promise<Answer> {
  const response = await open(url, options)
  const body = await text(response)
  const answer = { status: response.statusCode ?? 0, headers: response.headers, text: body, json: parse(body) }
  checkAsDocumented(options.method ?? 'GET', new URL(url).pathname, answer.status, answer.json)
  return answer
}

/** A stream that is being read. */
export interface Stream {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** All that has come so far. */
  readonly received: readonly Received[]
  /** Resolves with the first event, past or to come, that fits; rejects when the stream ends without one. */
  until(fits: (received: Received) => boolean): Promise<Received>
  /** Resolves with everything when the server ends the stream; rejects when it breaks off. */
  readonly ended: Promise<readonly Received[]>
  /** Breaks the connection, as a phone in a tunnel does. */
  cut(): void
}

/** Opens `POST /v1/agent/stream`. An error response rejects with its `Answer`. */
export async function stream(base: string, body: object, lastEventId?: number): Promise<Stream> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }
  const response = await open(`${base}/v1/agent/stream`, {
    method: 'POST',
    body,
    headers: { accept: 'text/event-stream', ...headers },
  })
  if (response.statusCode !== 200) {
    const answer = await text(response)
    throw Object.assign(new Error(`${response.statusCode}: ${answer}`), {
      status: response.statusCode,
      json: parse(answer),
    })
  }
  return follow(response)
}

/** Opens `GET /v1/conversations/{id}/stream`, which has no end. */
export async function watch(base: string, id: string): Promise<Stream> {
  const response = await open(`${base}/v1/conversations/${id}/stream`, {})
  if (response.statusCode === 200) return follow(response)
  throw new Error(`${response.statusCode}: ${await text(response)}`)
}

/** Reads a whole stream: what it delivered until the server ended it. */
export async function streamAll(base: string, body: object, lastEventId?: number): Promise<readonly Received[]> {
  return (await stream(base, body, lastEventId)).ended
}

/** `GET /v1/conversations/{id}/events`, as the app numbers the lines: from `since + 1` on. */
export async function replay(base: string, id: string, since = 0, query = ''): Promise<readonly Received[]> {
  const answer = await call(`${base}/v1/conversations/${id}/events?since=${since}${query}`)
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`)
  const lines = answer.text.split('\n').slice(0, -1)
  return lines.map((data, n) => ({ id: since + n + 1, data, event: JSON.parse(data) }))
}

function follow(response: IncomingMessage): Stream {
  const received: Received[] = []
  const waiting = new Set<() => void>()
  let done = false
  let rest = ''
  const ended = new Promise<readonly Received[]>((resolve, reject) => {
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      rest += chunk
      const frames = rest.split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) if (!/^(:|retry: \d+$)/.test(frame)) received.push(parseFrame(frame))
      for (const look of waiting) look()
    })
    response.on('end', () => resolve(received))
    response.on('error', reject)
    response.on('close', () => {
      done = true
      for (const look of waiting) look()
    })
  })
  // Whoever cuts the stream does not wait for its end.
  ended.catch(() => {})

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    received,
    ended,
    until(fits) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = received.find(fits)
          if (!found && !done) return
          waiting.delete(look)
          if (found) resolve(found)
          else
            reject(
              new Error(
                `the stream ended without it; it had ${received.map(({ data }) => data.slice(0, 200)).join('\n')}`,
              ),
            )
        }
        waiting.add(look)
        look()
      })
    },
    cut: () => response.destroy(),
  }
}

function parseFrame(frame: string): Received {
  const [, id = '', data = ''] = /^id: (\d+)\ndata: (.*)$/.exec(frame) ?? []
  if (data === '') throw new Error(`not a frame of ours: ${JSON.stringify(frame)}`)
  return { id: Number(id), data, event: JSON.parse(data) }
}

function open(url: string, { method = 'GET', headers = {}, body }: CallOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body)
    const type = isJson ? { 'content-type': 'application/json' } : {}
    // Every call on a connection of its own, as through the app's tunnel.
    const sent = request(
      url,
      { method, headers: { ...type, ...headers }, agent: new Agent({ keepAlive: false }) },
      resolve,
    )
    sent.on('error', reject)
    sent.end(isJson ? JSON.stringify(body) : body)
  })
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
