import { lastLength, type Query, SHORTEST_PREFIX } from '../../../core/search/query.ts'

/** A query in FTS5's own language. Words are letters and digits, so that in quotes nothing of it has another meaning. */
export function toMatch(query: Query): string {
  return query.map(({ words, isPrefix }) => `"${words.join(' ')}"${isPrefix ? ' *' : ''}`).join(' AND ')
}

/** Whether FTS5 gathers all rows of a query anew for every look: those of beginnings that it has no index of. */
export function isGathered(query: Query): boolean {
  return query.some((term) => term.isPrefix && lastLength(term) > SHORTEST_PREFIX)
}
