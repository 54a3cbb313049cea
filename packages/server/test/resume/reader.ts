import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTick } from 'node:timers/promises'

/** An event as its bytes came over the wire. */
export interface Frame {
  readonly id: number
  readonly data: string
}

export interface Connection {
  /** All complete frames that have come so far. */
  readonly frames: readonly Frame[]
  /** Reads on until `enough`, or to the end. A reader that does not read leaves the bytes to the kernel. */
  read(enough?: (bytes: number, frames: number) => boolean): Promise<void>
  /** Breaks the connection; what has come but was not read is lost. */
  cut(): void
}

/**
 * Opens `POST /v1/agent/stream` on a socket of its own. HTTP/1.0, so that what comes is the stream itself, without
 * chunks, and a cut can fall on any byte.
 */
export async function openReader(base: string, body: object, lastEventId?: number): Promise<Connection> {
  const { hostname, port, host } = new URL(base)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const text = JSON.stringify(body)
  const resume = lastEventId === undefined ? '' : `last-event-id: ${lastEventId}\r\n`
  const head = `POST /v1/agent/stream HTTP/1.0\r\nhost: ${host}\r\ncontent-type: application/json\r\n${resume}`
  socket.write(`${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  return readable(socket)
}

/** One reader's way through a stream: it reads so much, breaks off, comes back with its last id, and so on. */
export async function readWithCuts(base: string, body: object, cuts: readonly Cut[]): Promise<Frame[]> {
  const seen: Frame[] = []
  const again = { ...body, text: undefined }
  for (const cut of [...cuts, undefined]) {
    const reader = await openReader(base, seen.length === 0 ? body : again, seen.at(-1)?.id ?? 0)
    await reader.read(cut && ((bytes, frames) => bytes >= cut.bytes || frames >= cut.frames))
    reader.cut()
    seen.push(...reader.frames)
    if (isEnd(seen.at(-1))) return seen
  }
  throw new Error(`the stream ended before the run, after event ${seen.at(-1)?.id}`)
}

/** Where a connection breaks: after so many bytes, or so many events. */
export interface Cut {
  readonly bytes: number
  readonly frames: number
}

export function isEnd(frame: Frame | undefined): boolean {
  return frame?.data.startsWith('{"type":"result"') ?? false
}

function readable(socket: Socket): Connection {
  const frames: Frame[] = []
  let inHead = true
  let bytes = 0
  let rest = ''
  socket.setEncoding('latin1')

  function take(chunk: string): void {
    rest += chunk
    if (inHead) {
      const at = rest.indexOf('\r\n\r\n')
      if (at < 0) return
      if (!rest.startsWith('HTTP/1.1 200 ')) throw new Error(`not a stream: ${rest}`)
      rest = rest.slice(at + 4)
      inHead = false
    }
    const parts = rest.split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (!part.startsWith(':')) frames.push(parse(part))
  }

  return {
    frames,
    async read(enough) {
      if (enough?.(bytes, frames.length)) return
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
        bytes += String(chunk).length
        take(String(chunk))
        if (enough?.(bytes, frames.length)) return
        // A reader in the same process must leave the service its turns.
        await nextTick()
      }
    },
    cut: () => socket.destroy(),
  }
}

function parse(frame: string): Frame {
  const [, id = '', data] = /^id: (\d+)\ndata: (.+)$/.exec(frame) ?? []
  if (data === undefined) throw new Error(`not a frame of ours: ${JSON.stringify(frame)}`)
  return { id: Number(id), data }
}
