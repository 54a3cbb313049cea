import { connect, type Socket } from 'node:net'

/** A request as it goes over the connection. */
export interface RawRequest {
  readonly bytes: Buffer
  /** A HEAD: its answer carries a length and no body. */
  readonly isHead: boolean
  /** What answers it, if it is not refused, goes on for ever: its beginning is answer enough. */
  readonly isEndless?: boolean
}

export interface RawResponse {
  readonly status: number
  /** By lower-case name; a header that came twice is joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** Without chunk framing. */
  readonly body: Buffer
}

/** What came back: one final response a request, or fewer and the connection closed. */
export interface Exchanged {
  readonly responses: readonly RawResponse[]
  readonly isClosed: boolean
}

/** The server broke the rules of HTTP/1.1, or did not answer at all. */
export class WireError extends Error {}

/** One connection that sends bytes as they are and reads responses strictly. */
export class Line {
  readonly #socket: Socket
  #arrived: Buffer = Buffer.alloc(0)
  #isClosed = false
  #wake = () => {}

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (part: Buffer) => {
      this.#arrived = this.#arrived.length === 0 ? part : Buffer.concat([this.#arrived, part])
      this.#wake()
    })
    // A connection that the server breaks is an answer, too: the close follows.
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Sends all requests at once and reads until each has its answer or the server has closed the connection. */
  async ask(requests: readonly RawRequest[], boundMs: number): Promise<Exchanged> {
    for (const { bytes } of requests) this.#socket.write(bytes)
    const responses: RawResponse[] = []
    const deadline = AbortSignal.timeout(boundMs)
    for (;;) {
      const next = takeResponse(this.#arrived, requests[responses.length]?.isHead ?? false, this.#isClosed)
      if (next) {
        if (responses.length === requests.length) throw new WireError('there are more responses than requests')
        this.#arrived = this.#arrived.subarray(next.length)
        // 1xx come before the answer.
        if (next.response.status >= 200) responses.push(next.response)
        continue
      }
      const begun = requests[responses.length]?.isEndless ? beginningOf(this.#arrived) : undefined
      if (begun) {
        this.#isClosed = true
        this.#socket.destroy()
        return { responses: [...responses, begun], isClosed: true }
      }
      if (this.#isClosed) {
        if (this.#arrived.length > 0 && !this.#isBodyOf(responses.at(-1)))
          throw new WireError(`half a response: ${show(this.#arrived)}`)
        return { responses, isClosed: true }
      }
      // Whoever says that it closes has to.
      const isLast = responses.at(-1)?.headers['connection'] === 'close'
      if (responses.length === requests.length && !isLast) return { responses, isClosed: false }
      await this.#change(deadline)
    }
  }

  /** Sends bytes that may be no request at all, then that there is nothing more to come. Reads to the close. */
  async throwIn(bytes: Buffer, boundMs: number): Promise<readonly RawResponse[]> {
    this.#socket.end(bytes)
    const deadline = AbortSignal.timeout(boundMs)
    while (!this.#isClosed) await this.#change(deadline)
    const responses: RawResponse[] = []
    while (this.#arrived.length > 0) {
      const next = takeResponse(this.#arrived, false, true)
      if (!next) throw new WireError(`half a response: ${show(this.#arrived)}`)
      this.#arrived = this.#arrived.subarray(next.length)
      if (next.response.status >= 200) responses.push(next.response)
    }
    return responses
  }

  /** Breaks the connection: `reset` says nothing more to the server than that it is gone. */
  close(how: 'orderly' | 'reset' = 'orderly'): void {
    if (how === 'reset') this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** A HEAD that could not be read is not known to be one: its refusal has a body. */
  #isBodyOf(last: RawResponse | undefined): boolean {
    return last?.status === 400 || last?.status === 431
      ? last.body.length === 0 && last.headers['content-length'] === String(this.#arrived.length)
      : false
  }

  #change(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#socket.destroy()
        reject(new WireError(`no answer and no close in time; so far: ${show(this.#arrived)}`))
      }
      deadline.addEventListener('abort', late, { once: true })
      this.#wake = () => {
        this.#wake = () => {}
        deadline.removeEventListener('abort', late)
        resolve()
      }
    })
  }
}

/** The beginning of an event stream, once anything of it is there. */
function beginningOf(bytes: Buffer): RawResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  const head = bytes.subarray(0, Math.max(0, end)).toString('latin1')
  if (!head.startsWith('HTTP/1.1 200') || !head.includes('text/event-stream') || bytes.length === end + 4)
    return undefined
  return { status: 200, headers: readHeaders(head.split('\r\n').slice(1)), body: bytes.subarray(end + 4) }
}

/** The first response in `bytes` and how long it is; undefined when there is more to come. */
export function takeResponse(
  bytes: Buffer,
  isHead: boolean,
  isEnd: boolean,
): { response: RawResponse; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3}) [\x20-\x7e]*$/.exec(first)?.[1])
  if (Number.isNaN(status)) throw new WireError(`not a response: ${show(bytes)}`)
  const headers = readHeaders(lines)
  const start = end + 4
  const respond = (body: Buffer, length: number) => ({ response: { status, headers, body }, length })
  if (isHead || status < 200 || status === 204 || status === 304) return respond(Buffer.alloc(0), start)
  if (headers['transfer-encoding'] === 'chunked') {
    const chunks = takeChunks(bytes, start)
    return chunks && respond(chunks.body, chunks.end)
  }
  const length = headers['content-length']
  if (length === undefined) return isEnd ? respond(bytes.subarray(start), bytes.length) : undefined
  if (!/^\d+$/.test(length)) throw new WireError(`a length that is none: ${length}`)
  const stop = start + Number(length)
  return bytes.length < stop ? undefined : respond(bytes.subarray(start, stop), stop)
}

function readHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? []
    if (name === '') throw new WireError(`not a header: ${JSON.stringify(line)}`)
    const key = name.toLowerCase()
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`
  }
  return headers
}

function takeChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = []
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const line = bytes.subarray(at, lineEnd).toString('latin1')
    if (!/^[0-9a-f]+$/i.test(line)) throw new WireError(`not a chunk: ${show(bytes.subarray(at))}`)
    const size = Number.parseInt(line, 16)
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return undefined
    if (bytes.subarray(next - 2, next).toString('latin1') !== '\r\n') throw new WireError('a chunk without its end')
    if (size === 0) return { body: Buffer.concat(parts), end: next }
    parts.push(bytes.subarray(lineEnd + 2, next - 2))
    at = next
  }
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 300).toString('latin1'))
}
