import { Agent, type IncomingMessage, request } from 'node:http'
import { type Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** A prompt, or without text the wish to listen. */
export interface Body {
  readonly conversation_id: string
  readonly cwd: string
  readonly text?: string
  readonly allowed_tools?: readonly string[]
}

/** How a connection came to its end: in order, or broken. */
export interface Heard {
  readonly status: number
  readonly whole: boolean
  /** The body, where it is not a stream of events. */
  readonly text: string
}

export interface ReadOptions {
  /** A connection on which nothing comes for so long is given up. */
  readonly silenceMs?: number
  readonly signal?: AbortSignal
}

/** Reads `POST /v1/agent/stream` from `after`; each complete frame goes to `take` when it has come. Never rejects. */
export function readSse(
  base: string,
  body: Body,
  after: number | undefined,
  take: (id: number, data: string) => void,
  options: ReadOptions = {},
): Promise<Heard> {
  const headers = { 'content-type': 'application/json', ...(after !== undefined && { 'last-event-id': String(after) }) }
  const frame: string[] = []
  const onLine = (line: string) => {
    if (line !== '') return void frame.push(line)
    const [first = '', second = '', ...more] = frame.splice(0)
    if (first.startsWith(':') && second === '') return undefined
    const id = /^id: (\d+)$/.exec(first)?.[1]
    if (id === undefined || !second.startsWith(DATA) || more.length > 0)
      throw new Error(`not a frame of ours: ${first.slice(0, 100)} ${second.slice(0, 100)}`)
    return take(Number(id), second.slice(DATA.length))
  }
  return exchange(`${base}/v1/agent/stream`, 'POST', headers, JSON.stringify(body), options, splitLines(onLine))
}

const DATA = 'data: '

/** Lines from pieces. A line of 50 MB comes in a thousand pieces, of which each is looked at once. */
function splitLines(onLine: (line: string) => void): (text: string) => void {
  let pieces: string[] = []
  return (text) => {
    let start = 0
    for (;;) {
      const end = text.indexOf('\n', start)
      pieces.push(end < 0 ? text.slice(start) : text.slice(start, end))
      if (end < 0) return
      const line = pieces.join('')
      pieces = []
      start = end + 1
      onLine(line)
    }
  }
}

/** Reads the replay after `since`, line by line. Never rejects. */
export function readNdjson(
  base: string,
  conversation: string,
  since: number,
  take: (id: number, data: string) => void,
  { gzip = false, ...options }: ReadOptions & { gzip?: boolean } = {},
): Promise<Heard> {
  let id = since
  const headers = gzip ? { 'accept-encoding': 'gzip' } : {}
  const url = `${base}/v1/conversations/${conversation}/events?since=${since}`
  const onLine = (line: string) => take(++id, line)
  return exchange(url, 'GET', headers, undefined, options, splitLines(onLine))
}

/** One request on a connection of its own. What a 200 brings goes to `onText`, which may throw to break off. */
export function exchange(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: string | undefined,
  { silenceMs = 10_000, signal }: ReadOptions,
  onText: (text: string) => void,
): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>()
  const agent = new Agent({ keepAlive: false })
  const sent = request(url, { method, headers, agent, timeout: silenceMs, ...(signal && { signal }) })
  let isOver = false
  const settle = (heard: Heard) => {
    isOver = true
    resolve(heard)
  }
  const broken = (status: number) => settle({ status, whole: false, text: '' })
  sent.on('timeout', () => sent.destroy())
  sent.on('error', () => broken(0))
  // Not when there is a response: what is coded may still be on its way through the decoder.
  let isAnswered = false
  sent.on('close', () => isAnswered || broken(0))
  sent.on('response', (response: IncomingMessage) => {
    isAnswered = true
    const status = response.statusCode ?? 0
    const isCoded = response.headers['content-encoding'] === 'gzip'
    const source: IncomingMessage | Transform = isCoded ? response.pipe(createGunzip()) : response
    let text = ''
    source.setEncoding('latin1')
    source.on('data', (piece: string) => {
      // What is decoded after the end belongs to nobody: the reader has come back already.
      if (isOver) return
      if (status !== 200) {
        text += piece
        return
      }
      try {
        onText(piece)
      } catch (error) {
        reject(error)
        sent.destroy()
      }
    })
    source.on('end', () => settle({ status, whole: response.complete, text }))
    for (const each of [source, response]) {
      each.on('error', () => broken(status))
      each.on('close', () => isCoded || broken(status))
    }
    // What was cut off inside of a coded piece is never decoded.
    response.on('close', () => response.complete || setImmediate(broken, status))
  })
  sent.end(body)
  return promise
}

/** A small call; the answer as JSON, whatever its status. */
export async function ask(
  url: string,
  body?: object,
): Promise<{ status: number; json: Record<string, unknown> | undefined }> {
  let text = ''
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const heard = await exchange(
    url,
    body === undefined ? 'GET' : 'POST',
    body === undefined ? {} : { 'content-type': 'application/json' },
    payload,
    {},
    (piece) => {
      text += piece
    },
  )
  try {
    return { status: heard.status, json: JSON.parse(text || heard.text) as Record<string, unknown> }
  } catch {
    return { status: heard.status, json: undefined }
  }
}
