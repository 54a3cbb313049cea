const NEWLINE = 10

/** The media types of the two event streams. */
export const SSE_TYPE = 'text/event-stream; charset=utf-8'
export const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8'

/** A comment that keeps a silent SSE stream alive; clients ignore it. */
export const PING = ': ping\n\n'

/**
 * Server-Sent Events for NDJSON `lines` whose first line has the number `first`: `id: N\ndata: {json}\n\n` each.
 * `lines` ends with a newline; it is cut at newlines and never parsed.
 */
export function toSse(lines: Uint8Array, first: number): Uint8Array {
  const source = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
  const parts: Buffer[] = []
  let id = first
  for (let start = 0; start < source.length; id++) {
    const found = source.indexOf(NEWLINE, start)
    const end = found < 0 ? source.length : found
    parts.push(Buffer.from(`id: ${id}\ndata: `), source.subarray(start, end), BREAK)
    start = end + 1
  }
  return Buffer.concat(parts)
}

const BREAK = Buffer.from('\n\n')

/** Where the line after the first `count` lines begins in `lines`. */
export function skipLines(lines: Uint8Array, count: number): number {
  let at = 0
  for (let n = 0; n < count; n++) at = lines.indexOf(NEWLINE, at) + 1
  return at
}
