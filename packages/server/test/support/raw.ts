import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A response as it came over the connection. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The body without chunk framing. */
  readonly body: Buffer
}

/** How long the server may be silent: an agent may take its time to start on a busy machine. */
const SILENCE_MS = 30_000

/**
 * Sends `bytes` on a connection of their own, as they are, and reads until the server closes it. An idle one it closes
 * after some seconds anyway: whether it meant to, is told by the header `connection: close`.
 */
export async function sendRaw(base: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('the server is silent')))
  socket.write(bytes)
  return parse(await buffer(socket))
}

/** A POST of JSON as the app writes it by hand. */
export function rawPost(path: string, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const fields = {
    Host: '127.0.0.1:8787',
    'Content-Type': 'application/json',
    Connection: 'keep-alive',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

function parse(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n')
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => splitHeader(line)))
  const body = bytes.subarray(end + 4)
  const isChunked = headers['transfer-encoding'] === 'chunked'
  return { status: Number(first.split(' ')[1]), headers, body: isChunked ? withoutChunks(body) : body }
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

function withoutChunks(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, lineEnd).toString('latin1'), 16)
    if (size === 0) return Buffer.concat(parts)
    if (Number.isNaN(size)) throw new Error('the body ends without its last chunk')
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
