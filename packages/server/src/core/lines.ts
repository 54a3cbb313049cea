import { AppError } from '@claude-proxy/protocol/errors'
import type { OpenFile } from './ports/files.ts'

export interface Lines {
  readonly first: number
  /** The last line that there is, of those asked for. */
  readonly last: number
  readonly bytes: Buffer
}

/** How far into a file lines are counted, and how much of it is given at once. */
const COUNTED_BYTES = 64 * 1024 * 1024
const GIVEN_BYTES = 4 * 1024 * 1024
const BLOCK_BYTES = 256 * 1024
const NEWLINE = 10

/** Lines `first` to `last` of a file, counted from 1; undefined when it has fewer than `first`. */
export async function readLines(
  file: OpenFile,
  first: number,
  last: number,
  signal: AbortSignal,
): Promise<Lines | undefined> {
  const parts: Buffer[] = []
  let size = 0
  let line = 1
  let isBegun = false
  for (let position = 0; line <= last; position += BLOCK_BYTES) {
    signal.throwIfAborted()
    if (position >= COUNTED_BYTES)
      throw new AppError(
        'file_too_large',
        `Lines are counted in the first ${COUNTED_BYTES} bytes; ask for a range of bytes.`,
      )
    const block = await file.read(position, BLOCK_BYTES)
    if (block.length === 0) break
    const { from, to, next } = cut(block, line, first, last)
    // A break at the end of the file begins no further line.
    if (to > from) isBegun = true
    parts.push(block.subarray(from, to))
    size += to - from
    line = next
    if (size > GIVEN_BYTES)
      throw new AppError('file_too_large', `These lines have more than ${GIVEN_BYTES} bytes; ask for fewer.`)
  }
  if (!isBegun) return undefined
  const bytes = Buffer.concat(parts)
  const endsWithBreak = bytes.at(-1) === NEWLINE
  return { first, last: Math.min(last, endsWithBreak ? line - 1 : line), bytes }
}

/** Which part of a block, whose first byte is in line `line`, lies in lines `first` to `last`; and the line after it. */
function cut(block: Buffer, line: number, first: number, last: number): { from: number; to: number; next: number } {
  let at = 0
  let from = line >= first ? 0 : block.length
  let next = line
  while (next <= last) {
    const newline = block.indexOf(NEWLINE, at)
    if (newline < 0) return { from, to: block.length, next }
    at = newline + 1
    next++
    if (next === first) from = at
  }
  return { from, to: at, next }
}
