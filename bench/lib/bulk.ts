import { connect } from 'node:net'
import { Frames, numberIn } from './frames.ts'
import { HttpBody } from './http-body.ts'

/** One large response, read as fast as it comes. */
export interface Bulk {
  readonly port: number
  readonly request: string
  /** What is looked at: only the length; every line's `#n`, from `after` on; or every frame's id, after `after`. */
  readonly check: 'bytes' | 'lines' | 'frames'
  readonly after?: number
}

export interface BulkReport {
  readonly status: number
  readonly bytes: number
  /** The number of the last event, where it was looked at. */
  readonly last: number
  /** From the first byte of the request to the first and the last of the answer. */
  readonly firstByteMs: number
  readonly lastByteMs: number
}

const INTO = Buffer.allocUnsafe(256 * 1024)

/** Asks on a connection of its own and reads the answer to its end. */
export async function fetchBulk({ port, request, check, after = 0 }: Bulk): Promise<BulkReport> {
  const done = Promise.withResolvers<void>()
  const frames = new Frames('id', after, () => {})
  const lines = lineCounter(after)
  let bytes = 0
  let firstByteMs = 0
  let lastByteMs = 0
  const body = new HttpBody((buffer, start, end) => {
    bytes += end - start
    if (check === 'frames') frames.feed(buffer, start, end)
    else if (check === 'lines') lines.feed(buffer, start, end)
  })
  let begun = 0
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: INTO,
      callback(length) {
        lastByteMs = performance.now() - begun
        firstByteMs ||= lastByteMs
        body.feed(INTO, 0, length)
        if (body.ended) done.resolve()
        return true
      },
    },
  })
  socket.on('error', (error) => done.reject(error))
  socket.on('close', () => done.resolve())
  // A client that comes back has to connect, too: that is part of it.
  begun = performance.now()
  socket.write(request)
  try {
    await done.promise
  } finally {
    socket.destroy()
  }
  const wrong = frames.wrong ?? lines.wrong()
  if (wrong !== undefined) throw new Error(wrong)
  const last = check === 'frames' ? frames.last : lines.last()
  return { status: body.status, bytes, last, firstByteMs, lastByteMs }
}

/** Checks that lines carry the numbers after `after`: line n of a store made for the benchmark says `#n`. */
function lineCounter(after: number) {
  let last = after
  let rest = Buffer.alloc(0)
  let wrong: string | undefined
  return {
    feed(bytes: Buffer, start: number, end: number): void {
      const piece = Buffer.concat([rest, bytes.subarray(start, end)])
      let at = 0
      for (let found = piece.indexOf(10); found >= 0; found = piece.indexOf(10, at)) {
        const number = numberIn(piece.subarray(at, found))
        if (number !== last + 1) wrong ??= `line ${number} came after line ${last}`
        last = number
        at = found + 1
      }
      rest = piece.subarray(at)
    },
    last: () => last,
    wrong: () => wrong,
  }
}
