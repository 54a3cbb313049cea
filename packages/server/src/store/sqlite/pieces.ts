/** Some consecutive lines of NDJSON in one string, each ending in a newline: what fits into one row. */
export interface Piece {
  readonly text: string
  readonly count: number
}

/** A row of more makes finding its last line slow. Counted in characters: lines are ASCII (`toLine`). */
export const ROW = { chars: 256 * 1024, lines: 1000 }

/** History that is imported lies still: its rows may be as long as sealed ones. */
export const IMPORTED_ROW = { chars: ROW.chars, lines: Number.POSITIVE_INFINITY }

/** Cuts `lines` into pieces no larger than a row may be; a line that is larger by itself gets a piece of its own. */
export function pieces(lines: readonly string[], limit = ROW): Piece[] {
  if (lines.length === 0) throw new RangeError('there is nothing to store: no lines')
  const done: Piece[] = []
  let start = 0
  let chars = 0
  for (const [index, line] of lines.entries()) {
    // one line that is two would shift the numbers of all that follow
    if (line.includes('\n')) throw new RangeError(`line ${index} holds a newline`)
    const count = index - start
    if (count > 0 && (count >= limit.lines || chars + line.length >= limit.chars)) {
      done.push(piece(lines.slice(start, index)))
      start = index
      chars = 0
    }
    chars += line.length + 1
  }
  done.push(piece(lines.slice(start)))
  return done
}

function piece(lines: readonly string[]): Piece {
  // In one go: a text that is put together of two is copied once more on its way to the other thread.
  return { text: [...lines, ''].join('\n'), count: lines.length }
}
