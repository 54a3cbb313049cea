const NEWLINE = 10

/** The media types of the two event streams. */
export const SSE_TYPE = 'text/event-stream; charset=utf-8'
export const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8'

/** A comment that keeps a silent SSE stream alive; clients ignore it. */
export const PING = ': ping\n\n'

/** What is shown and not stored, as a message of its own: without an id, so that a client's Last-Event-ID stays. */
export function partialFrame(line: string): string {
  return `event: partial\ndata: ${line}\n\n`
}

/**
 * The events as Server-Sent Events: `id: N\ndata: {json}\n\n` each. The lines are cut at newlines and never parsed.
 */
export function toSse({ lines, first, count }: Lines): Uint8Array {
  const source = asBuffer(lines)
  const frames = Buffer.allocUnsafe(source.length + count * (FRAME_BYTES + String(first + count).length))
  const head = openHead(first)
  let at = 0
  for (let start = 0; start < source.length;) {
    const newline = source.indexOf(NEWLINE, start)
    const next = newline < 0 ? source.length : newline + 1
    // A dozen bytes are copied sooner than a native call is made.
    const { bytes } = head
    for (let n = 0; n < bytes.length; n++) frames[at++] = bytes[n] ?? 0
    at += source.copy(frames, at, start, next)
    if (newline < 0) frames[at++] = NEWLINE
    frames[at++] = NEWLINE
    head.next()
    start = next
  }
  return frames.subarray(0, at)
}

/** What stands before the line of event `first`, then of the one after it: a counter of digits, three times as fast as making a text of each number. */
function openHead(first: number) {
  let id = first
  let bytes = Buffer.from(`id: ${id}\ndata: `, 'latin1')
  let last = ID_AT + String(id).length - 1
  return {
    get bytes() {
      return bytes
    },
    next(): void {
      id++
      let at = last
      while (bytes[at] === NINE) bytes[at--] = ZERO
      if (at >= ID_AT) {
        bytes[at] = (bytes[at] ?? ZERO) + 1
      } else {
        bytes = Buffer.from(`id: ${id}\ndata: `, 'latin1')
        last++
      }
    },
  }
}

const ID_AT = 'id: '.length
const ZERO = 48
const NINE = 57

/** Consecutive events: `count` lines of NDJSON, each ending in a newline, of which the first has the number `first`. */
export interface Lines {
  readonly first: number
  readonly count: number
  readonly lines: Uint8Array
}

/** What a frame has more than its line and its number. */
const FRAME_BYTES = 'id: \ndata: \n'.length

/** Where the line after the first `skipped` lines begins, in a page of `count` lines. */
export function skipLines({ lines, count }: Omit<Lines, 'first'>, skipped: number): number {
  const source = asBuffer(lines)
  const kept = count - skipped
  if (kept <= 0) return source.length
  let at = 0
  if (skipped <= kept) {
    for (let n = 0; n < skipped; n++) at = source.indexOf(NEWLINE, at) + 1
    return at
  }
  // From the other end, if that is nearer: who comes back has most of it.
  at = source.length - 1
  for (let n = 0; n < kept; n++) at = source.lastIndexOf(NEWLINE, at - 1)
  return at + 1
}

/** The same bytes; a Buffer looks for a byte several times as fast. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
