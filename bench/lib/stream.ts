import { connect, type Socket } from 'node:net'
import { nowUs } from './clock.ts'
import { Frames, type Numbering, stampIn } from './frames.ts'
import { HttpBody } from './http-body.ts'

export interface StreamOptions {
  readonly port: number
  /** The request as it goes over the wire; `{last}` stands for the number of the last event. */
  readonly request: string
  readonly numbering: Numbering
  /** Of how many events one is timed. */
  readonly sampleEvery: number
  /** What the clock of the process that stamps events is ahead of ours. */
  readonly skewUs: number
}

export interface Seen {
  bytes: number
  events: number
  /** The earliest time stamp of a timed event, and when the last event came, on our clock. */
  firstStampUs: number
  lastUs: number
}

/** All of a process's sockets read into the same memory: nothing is allocated for what they bring. */
const INTO = Buffer.allocUnsafe(256 * 1024)

/** One subscriber on a raw socket. It can break off and come back with the number of its last event. */
export class Stream {
  readonly #options: StreamOptions
  readonly #onLatency: (us: number) => void
  readonly #changed: () => void
  #socket: Socket | undefined
  #body = new HttpBody(() => {})
  #frames: Frames
  #readAtUs = 0
  #sinceSample = 0
  seen: Seen = fresh()
  /** Whether the server has ended the stream, in whatever way. */
  closed = false
  #wrong: string | undefined

  constructor(options: StreamOptions, onLatency: (us: number) => void, changed: () => void) {
    this.#options = options
    this.#onLatency = onLatency
    this.#changed = changed
    this.#frames = this.#newFrames(0)
  }

  get last(): number {
    return this.#frames.last
  }

  get hasBegun(): boolean {
    return this.#body.status > 0
  }

  get wrong(): string | undefined {
    return this.#wrong ?? this.#frames.wrong
  }

  /** Connects and asks for what comes after the last event. */
  open(): void {
    this.#body = new HttpBody((bytes, start, end) => this.#frames.feed(bytes, start, end))
    // An event that was cut in the middle comes again as a whole.
    this.#frames = this.#newFrames(this.#frames.last)
    this.closed = false
    const callback = (length: number) => {
      this.#read(length)
      return true
    }
    const socket = connect({
      port: this.#options.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: INTO, callback },
    })
    this.#socket = socket
    socket.on('error', (error) => this.#fail(error.message))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.closed = true
      this.#changed()
    })
    socket.write(this.#options.request.replace('{last}', String(this.last)))
  }

  /** Stops reading; what comes waits in the kernel's buffers, and then at the server. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Breaks the connection, without a farewell. */
  drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.resetAndDestroy()
  }

  /** Begins to count anew. */
  mark(): void {
    this.seen = fresh()
    this.#sinceSample = 0
  }

  #newFrames(last: number): Frames {
    return new Frames(this.#options.numbering, last, (bytes, start, end) => this.#event(bytes, start, end))
  }

  #read(length: number): void {
    this.#readAtUs = nowUs() + this.#options.skewUs
    this.seen.bytes += length
    try {
      this.#body.feed(INTO, 0, length)
    } catch (error) {
      this.#fail(String(error))
    }
    const { status } = this.#body
    if (status !== 0 && status !== 200) this.#fail(`status ${status}: ${INTO.toString('latin1', 0, length)}`)
    this.#changed()
  }

  #event(bytes: Buffer, start: number, end: number): void {
    this.seen.lastUs = this.#readAtUs
    // What comes before the first stamp is no part of the load.
    if (this.seen.events > 0) this.seen.events++
    if (this.#sinceSample > 0) {
      this.#sinceSample = (this.#sinceSample + 1) % this.#options.sampleEvery
      return
    }
    const stamp = stampIn(bytes, start, end)
    if (stamp < 0) return
    this.seen.events ||= 1
    this.seen.firstStampUs = Math.min(this.seen.firstStampUs, stamp)
    this.#onLatency(this.#readAtUs - stamp)
    this.#sinceSample = 1 % this.#options.sampleEvery
  }

  #fail(why: string): void {
    this.#wrong ??= why
    this.#changed()
  }
}

function fresh(): Seen {
  return { bytes: 0, events: 0, firstStampUs: Number.POSITIVE_INFINITY, lastUs: 0 }
}
