import { marked, type Query } from './query.ts'
import { wordsOf } from './words.ts'

/** A piece of a text, and where in it the words are that were looked for: `[start, end)` in UTF-16 code units. */
export interface Snippet {
  readonly text: string
  readonly ranges: readonly (readonly [start: number, end: number])[]
}

const BEFORE = 40
const LENGTH = 200

/** The piece of `text` around the first word that `query` finds; undefined when it does not find the text. */
export function snippet(query: Query, text: string): Snippet | undefined {
  const words = [...wordsOf(text)]
  const found = marked(query, words)
  const [first] = found
  if (!first) return undefined
  // Pieces begin and end with whole words, where the words are not too long for that.
  const from = words.find(({ start }) => start >= first.start - BEFORE)?.start ?? first.start
  const begin = first.start <= BEFORE ? 0 : from
  const last = words.findLast(({ end }) => end <= begin + LENGTH)
  const end =
    text.length <= begin + LENGTH ? text.length : Math.max(last?.end ?? 0, Math.min(first.end, begin + LENGTH))
  const ranges = found
    .filter((word) => word.start >= begin && word.start < end)
    .map((word) => [word.start - begin, Math.min(word.end, end) - begin] as const)
  return { text: text.slice(begin, end).toWellFormed(), ranges }
}
