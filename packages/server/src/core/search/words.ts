/** A word of a text: how it is compared, and where it stands. */
export interface Word {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** Letters and digits that stand together, with their marks. */
const RUN = /[\p{L}\p{N}\p{M}]+/gu
/** Scripts that put no blanks between words: each letter counts as a word, and a word is found as letters in a row. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const UNSPACED_OR_REST =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu
const BEYOND_ASCII = /[\u0080-\uffff]/
/** Accents of Latin, Greek and Cyrillic letters, and what a compatible spelling may bring that is no letter. */
const DROPPED = /[\u0300-\u036f]|[^\p{L}\p{N}\p{M}]/gu

/** Longer ones, such as encoded data, are told apart by their beginnings only. */
const LONGEST = 64

/**
 * The words of a text, in order. What is indexed, asked for and marked all comes from here, so that it agrees whatever
 * stores the index; case, accents and width of letters make no difference.
 */
export function* wordsOf(text: string): Generator<Word> {
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (!BEYOND_ASCII.test(run)) {
      yield { word: run.toLowerCase().slice(0, LONGEST), start: index, end: index + run.length }
    } else if (!UNSPACED.test(run)) {
      yield* folded(run, index)
    } else {
      for (const { 0: part, index: at } of run.matchAll(UNSPACED_OR_REST)) yield* folded(part, index + at)
    }
  }
}

/** Whether `word` is one letter of such a script: it has no beginning to look for. */
export function isUnspaced(word: string): boolean {
  return UNSPACED.test(word)
}

function* folded(run: string, start: number): Generator<Word> {
  const word = run.normalize('NFKD').toLowerCase().replace(DROPPED, '').slice(0, LONGEST).toWellFormed()
  // nothing is left of accents alone
  if (word !== '') yield { word, start, end: start + run.length }
}
