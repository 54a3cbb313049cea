/** Takes what comes over a raw socket apart: the head of the response, then the bytes of its body, without copies. */
export class HttpBody {
  /** 0 until the head is there. */
  status = 0
  headers: Readonly<Record<string, string>> = {}
  /** Whether the body is complete by its own framing. */
  ended = false
  #head = ''
  #step: 'head' | 'plain' | 'size' | 'chunk' | 'chunk-end' = 'head'
  #left = 0
  #size = ''
  readonly #onBody: (bytes: Buffer, start: number, end: number) => void

  constructor(onBody: (bytes: Buffer, start: number, end: number) => void) {
    this.#onBody = onBody
  }

  /** Bytes `start` to `end` of `bytes` have come; they are free again when this returns. */
  feed(bytes: Buffer, start: number, end: number): void {
    let at = start
    if (this.#step === 'head') at = this.#feedHead(bytes, at, end)
    while (at < end && !this.ended) {
      if (this.#step === 'plain' || this.#step === 'chunk') {
        const upTo = Math.min(end, at + this.#left)
        this.#onBody(bytes, at, upTo)
        this.#left -= upTo - at
        at = upTo
        if (this.#left > 0) return
        if (this.#step === 'plain') this.ended = true
        else this.#expectLine('chunk-end')
      } else {
        const byte = bytes[at++] ?? 0
        if (byte !== NEWLINE) this.#size += String.fromCharCode(byte)
        else if (this.#step === 'chunk-end') this.#expectLine('size')
        else this.#beginChunk()
      }
    }
  }

  #expectLine(step: 'size' | 'chunk-end'): void {
    this.#step = step
    this.#size = ''
  }

  #beginChunk(): void {
    this.#left = Number.parseInt(this.#size, 16)
    if (Number.isNaN(this.#left)) throw new Error(`not the size of a chunk: ${JSON.stringify(this.#size)}`)
    this.ended = this.#left === 0
    this.#step = 'chunk'
  }

  #feedHead(bytes: Buffer, start: number, end: number): number {
    const before = this.#head.length
    this.#head += bytes.toString('latin1', start, end)
    const found = this.#head.indexOf('\r\n\r\n')
    if (found < 0) return end
    const [first = '', ...lines] = this.#head.slice(0, found).split('\r\n')
    this.status = Number(first.split(' ')[1])
    this.headers = Object.fromEntries(lines.map((line) => splitHeader(line)))
    const length = this.headers['content-length']
    this.#left = length === undefined ? Number.POSITIVE_INFINITY : Number(length)
    this.ended = this.#left === 0
    if (this.headers['transfer-encoding'] === 'chunked') this.#expectLine('size')
    else this.#step = 'plain'
    return start + found + 4 - before
  }
}

const NEWLINE = 10

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [
    line.slice(0, colon).toLowerCase(),
    line
      .slice(colon + 1)
      .trim()
      .toLowerCase(),
  ]
}
