const NEWLINE = 10

/** The media types of the two event streams. */
export const SSE_TYPE = 'text/event-stream; charset=utf-8'
export const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8'

/** A comment that keeps a silent SSE stream alive; clients ignore it. */
export const PING = ': ping\n\n'

/**
 * The events as Server-Sent Events: `id: N\ndata: {json}\n\n` each. The lines are cut at newlines and never parsed.
 */
export function toSse({ lines, first, count }: Lines): Uint8Array {
  const source = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
  // Copied line by line into one buffer: twice as fast as building the text.
  const frames = Buffer.allocUnsafe(source.length + count * (FRAME_BYTES + String(first + count).length))
  let at = 0
  let id = first
  for (let start = 0; start < source.length; id++) {
    const found = source.indexOf(NEWLINE, start)
    const end = found < 0 ? source.length : found
    at += frames.write(`id: ${id}\ndata: `, at, 'latin1')
    at += source.copy(frames, at, start, end)
    frames[at++] = NEWLINE
    frames[at++] = NEWLINE
    start = end + 1
  }
  return frames.subarray(0, at)
}

/** Consecutive events: `count` lines of NDJSON, each ending in a newline, of which the first has the number `first`. */
export interface Lines {
  readonly first: number
  readonly count: number
  readonly lines: Uint8Array
}

/** What a frame has more than its line and its number. */
const FRAME_BYTES = 'id: \ndata: \n'.length

/** Where the line after the first `count` lines begins in `lines`. */
export function skipLines(lines: Uint8Array, count: number): number {
  let at = 0
  for (let n = 0; n < count; n++) at = lines.indexOf(NEWLINE, at) + 1
  return at
}
