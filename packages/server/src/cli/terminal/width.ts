/** How much room text takes on a terminal, and how it is broken into lines there. */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Two columns each: the scripts of East Asia, their punctuation, and what is drawn as a picture. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u
const WITHOUT_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]*$/u

/** The columns that a text without control characters takes. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += widthOfGrapheme(segment)
  return width
}

/** As much of the beginning as fits, with an ellipsis where something is left out. */
export function fit(text: string, most: number): string {
  if (widthOf(text) <= most) return text
  let [taken, width] = ['', 0]
  for (const { segment } of graphemes.segment(text)) {
    width += widthOfGrapheme(segment)
    if (width > most - 1) break
    taken += segment
  }
  return `${taken}…`
}

/** Text that comes in pieces, with lines that are broken between words. Without columns it stays as it is. */
export class Flow {
  readonly #columns: number | undefined
  #column = 0
  #blanks = ''
  #word = ''

  constructor(columns: number | undefined) {
    this.#columns = columns
  }

  /** What of it can be shown now: a word is held back until it is known where it ends. */
  add(piece: string): string {
    if (this.#columns === undefined) return piece
    let shown = ''
    for (const [part] of piece.matchAll(/\n|[ \t]+|[^ \t\n]+/g)) {
      if (part === '\n') {
        shown += `${this.end()}\n`
        this.#column = 0
      } else if (part.trim() === '') {
        shown += this.end()
        this.#blanks += part.replaceAll('\t', '    ')
      } else this.#word += part
    }
    return shown
  }

  /** What was held back. */
  end(): string {
    const columns = this.#columns ?? Infinity
    const [word, blanks] = [this.#word, this.#blanks]
    if (word === '') return ''
    this.#word = this.#blanks = ''
    const width = widthOf(word)
    const isBroken = this.#column > 0 && this.#column + blanks.length + width > columns && !WIDE.test(word)
    if (isBroken) this.#column = 0
    const before = isBroken ? '\n' : blanks
    if (!isBroken) this.#column += blanks.length
    return before + this.#fill(word, width, columns)
  }

  /** A word that no line has room for goes over several. */
  #fill(word: string, width: number, columns: number): string {
    if (this.#column + width <= columns) {
      this.#column += width
      return word
    }
    let shown = ''
    for (const { segment } of graphemes.segment(word)) {
      const own = widthOfGrapheme(segment)
      if (this.#column + own > columns) {
        shown += '\n'
        this.#column = 0
      }
      shown += segment
      this.#column += own
    }
    return shown
  }
}

function widthOfGrapheme(grapheme: string): number {
  if (WITHOUT_WIDTH.test(grapheme)) return 0
  return WIDE.test(grapheme) ? 2 : 1
}
