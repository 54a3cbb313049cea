import { AppError } from '@claude-proxy/protocol/errors'
import { isUnspaced, type Word, wordsOf } from './words.ts'

/** Words that stand one behind the other; of the last one only the beginning, if `isPrefix`. */
export interface Term {
  readonly words: readonly string[]
  readonly isPrefix: boolean
}

/** All of these have to be in a text, in any order. */
export type Query = readonly Term[]

/** More would be work without end, and nobody types it. */
const MOST_TERMS = 16
const MOST_WORDS = 64
/** The index knows beginnings of this length by heart; shorter ones lead to a good part of all texts. */
export const SHORTEST_PREFIX = 3

// Many clients write a blank in a query as a plus (curl -G, URLSearchParams).
const PIECES = /"([^"]*)"?(\*?)|([^\s+"]+)/gu

/**
 * Reads what a person types: words, "phrases", and beginnings of words with a `*` behind them. Nothing else has a
 * meaning; signs part words, as they do in texts, and words that signs join stand one behind the other.
 */
export function parseQuery(text: string): Query {
  const terms = [...text.matchAll(PIECES)].flatMap(([, phrase, star, plain = '']) =>
    phrase === undefined ? term(plain, plain.endsWith('*')) : term(phrase, star === '*'),
  )
  if (terms.length === 0) throw new AppError('bad_request', 'There is no word to look for.')
  const count = terms.reduce((sum, { words }) => sum + words.length, 0)
  if (terms.length > MOST_TERMS || count > MOST_WORDS)
    throw new AppError(
      'bad_request',
      `At most ${MOST_TERMS} words or phrases of ${MOST_WORDS} words in all are looked for.`,
    )
  const short = terms.find((each) => each.isPrefix && lastLength(each) < SHORTEST_PREFIX)
  if (short)
    throw new AppError(
      'bad_request',
      `${SHORTEST_PREFIX} letters at least have to stand before a *: ${short.words.at(-1)}*`,
    )
  return terms
}

/** How many letters the last word of a term has. */
export function lastLength({ words }: Term): number {
  return Array.from(words.at(-1) ?? '').length
}

function term(text: string, hasStar: boolean): Term[] {
  const words = Array.from(wordsOf(text), ({ word }) => word)
  const last = words.at(-1)
  return last === undefined ? [] : [{ words, isPrefix: hasStar && !isUnspaced(last) }]
}

/** Which of the words of a text a query finds, in order; none unless it finds all of its terms. */
export function marked(query: Query, words: readonly Word[]): Word[] {
  const found = new Set<number>()
  for (const each of query) {
    const starts = words.flatMap((_, at) => (standsAt(each, words, at) ? [at] : []))
    if (starts.length === 0) return []
    for (const start of starts) for (const n of each.words.keys()) found.add(start + n)
  }
  return words.filter((_, at) => found.has(at))
}

function standsAt({ words: wanted, isPrefix }: Term, words: readonly Word[], at: number): boolean {
  return wanted.every((word, n) => {
    const there = words[at + n]?.word
    return isPrefix && n === wanted.length - 1 ? there?.startsWith(word) : there === word
  })
}
