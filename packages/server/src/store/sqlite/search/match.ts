import { lastLength, type Query, SHORTEST_PREFIX, type Term } from '../../../core/search/query.ts'
import type { WordsFrom } from './vocabulary.ts'

/** As many words of one query, looked for one by one, cost less than what begins like them. */
const MOST = 32

/** A query in FTS5's own language. Words are letters and digits, so that in quotes nothing of it has another meaning. */
export interface Match {
  readonly text: string
  /** FTS5 gathers all rows of it anew for every look. */
  readonly isGathered: boolean
}

/**
 * Puts a query into FTS5's language. A beginning of which it has no index becomes the words that begin so, if they are few
 * (`wordsFrom` knows): where a word is, it finds by itself.
 */
export function toMatch(query: Query, wordsFrom: WordsFrom): Match {
  let isGathered = false
  let left = MOST

  function toText(term: Term): string {
    const last = term.words.at(-1) ?? ''
    if (!term.isPrefix) return phrase(term.words)
    if (lastLength(term) === SHORTEST_PREFIX) return `${phrase(term.words)} *`
    const words = wordsFrom(last, left) ?? []
    left -= words.length
    if (words.length > 0) return `(${words.map((word) => phrase([...term.words.slice(0, -1), word])).join(' OR ')})`
    isGathered = true
    return `${phrase(term.words)} *`
  }

  const text = query.map((term) => toText(term)).join(' AND ')
  return { text, isGathered }
}

function phrase(words: readonly string[]): string {
  return `"${words.join(' ')}"`
}
