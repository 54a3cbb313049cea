import type { Database } from '../open.ts'

export type WordsFrom = (beginning: string, most: number) => string[] | undefined

/**
 * The words of the index that begin like this, in order; undefined when there are more than `most`. Each costs a seek: of
 * what a word is in, nothing is read (sqlite.org/fts5.html, "The fts5vocab Virtual Table Module").
 */
export function readWords(db: Database): WordsFrom {
  db.exec('CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, event, instance)')
  const first = db.prepare<{ term: string }>('SELECT term FROM vocabulary WHERE term >= ? LIMIT 1')
  return (beginning, most) => {
    const words: string[] = []
    for (let from = beginning; words.length <= most;) {
      const word = first.get(from)?.term
      if (!word?.startsWith(beginning)) return words
      words.push(word)
      // No word has this letter: it lies between one and what is longer.
      from = `${word}\u0001`
    }
    return undefined
  }
}
