/**
 * How a reader knows that nothing is missing: by the frames' own ids, or by the `#n` that a load's texts begin with. Where
 * many conversations come together, it only counts.
 */
export type Numbering = 'id' | 'text' | 'count'

/**
 * Counts Server-Sent Events in bytes that come in pieces, and checks that they are 1, 2, 3 … after `last`. It looks at
 * newlines and digits only: one process can follow thousands of streams. `onEvent` gets the data line where it lies
 * whole in one piece, for a look at its time stamp.
 */
export class Frames {
  last: number
  /** The first thing that was wrong with the stream. */
  wrong: string | undefined
  #step: 'line' | 'id' | 'data' | 'comment' = 'line'
  #id = -1
  /** A data line that came in pieces; only where its number is needed. */
  #piece: Buffer | undefined
  readonly #numbering: Numbering
  readonly #onEvent: (bytes: Buffer, start: number, end: number) => void

  constructor(numbering: Numbering, last: number, onEvent: (bytes: Buffer, start: number, end: number) => void) {
    this.#numbering = numbering
    this.last = last
    this.#onEvent = onEvent
  }

  feed(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end) {
      if (this.#step === 'line') at = this.#beginLine(bytes, at)
      else if (this.#step === 'id') at = this.#readId(bytes, at, end)
      else at = this.#readLine(bytes, at, end)
    }
  }

  #beginLine(bytes: Buffer, at: number): number {
    const byte = bytes[at]
    if (byte === LETTER_D) this.#step = 'data'
    else if (byte === LETTER_I) {
      this.#step = 'id'
      this.#id = 0
    } else if (byte === COLON || byte === LETTER_R) this.#step = 'comment'
    else if (byte !== NEWLINE) this.wrong ??= `a line begins with byte ${byte} after event ${this.last}`
    return at + (this.#step === 'line' ? 1 : 0)
  }

  #readId(bytes: Buffer, start: number, end: number): number {
    let at = start
    let id = this.#id
    while (at < end) {
      const byte = bytes[at++] ?? 0
      if (byte === NEWLINE) {
        this.#step = 'line'
        break
      }
      if (byte >= DIGIT_0 && byte <= DIGIT_9) id = id * 10 + byte - DIGIT_0
    }
    this.#id = id
    return at
  }

  #readLine(bytes: Buffer, start: number, end: number): number {
    const found = bytes.indexOf(NEWLINE, start)
    const isWhole = found >= 0 && found < end
    const upTo = isWhole ? found : end
    if (this.#step === 'data') {
      if (this.#numbering === 'text') this.#readNumber(bytes.subarray(start, upTo), isWhole)
      if (isWhole) this.#count(bytes, start, upTo)
    }
    if (isWhole) this.#step = 'line'
    return isWhole ? upTo + 1 : end
  }

  #readNumber(piece: Buffer, isLast: boolean): void {
    const line = this.#piece === undefined ? piece : Buffer.concat([this.#piece, piece])
    this.#piece = isLast ? undefined : Buffer.from(line)
    if (isLast) this.#id = numberIn(line) + 1
  }

  #count(bytes: Buffer, start: number, end: number): void {
    if (this.#numbering === 'count') this.#id = this.last + 1
    if (this.#id !== this.last + 1) this.wrong ??= `event ${this.#id} came after event ${this.last}`
    this.last = this.#id
    this.#onEvent(bytes, start, end)
  }
}

const NEWLINE = 10
const DIGIT_0 = 48
const DIGIT_9 = 57
const COLON = 58
const LETTER_D = 100
const LETTER_I = 105
/** Of `retry:`, which is no event either. */
const LETTER_R = 114

/** The n of `#n` in the text of a load's event; -1 when there is none. */
export function numberIn(line: Buffer): number {
  const at = line.indexOf(TEXT)
  return at < 0 ? -1 : digits(line, at + TEXT.length)
}

/** The time stamp in the text of a load's event, in microseconds; -1 when there is none between `start` and `end`. */
export function stampIn(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(STAMP, start)
  return at < 0 || at + STAMP.length >= end ? -1 : digits(bytes, at + STAMP.length)
}

const TEXT = Buffer.from('"text":"#')
const STAMP = Buffer.from('@ts=')

function digits(bytes: Buffer, start: number): number {
  let value = 0
  for (let at = start; ; at++) {
    const digit = (bytes[at] ?? 0) - DIGIT_0
    if (digit < 0 || digit > 9) return value
    value = value * 10 + digit
  }
}
