/**
 * Where an event lies in the index: conversations one after the other, in each the newest event first. So the order of
 * the rows is that in which hits are shown; FTS5 finds its way to a row quickly only in ascending order.
 */

/** As many events of one conversation are indexed; 2^25 conversations of them fit into a number of JavaScript's. */
const SPAN = 2 ** 28

export function rowOf(s: number, number: number): number {
  return s * SPAN + (SPAN - 1 - number)
}

export function conversationOf(row: number): number {
  return Math.floor(row / SPAN)
}

export function numberOf(row: number): number {
  return SPAN - 1 - (row % SPAN)
}

/** The rows of a conversation lie between these two. */
export function bounds(s: number): { readonly above: number; readonly below: number } {
  return { above: s * SPAN - 1, below: (s + 1) * SPAN }
}

export const LAST_NUMBER = SPAN - 1
