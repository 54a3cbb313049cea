import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { pathToFileURL } from 'node:url'
import { convert } from 'ast-v8-to-istanbul'
import { parseSync } from 'oxc-parser'
import { rangesOf } from './counts.ts'

/** The branches of a file: how many there are, and where those are that nothing has taken. */
export interface Branches {
  readonly all: number
  /** Line and column; of an `if` without an `else`, that it has always held. */
  readonly missed: readonly string[]
}

/** Finds the branches of a script, by its syntax, and which of them were taken. Without `counts` it was never loaded. */
export async function branchesOf(path: string, counts: Float64Array | undefined): Promise<Branches> {
  // As Node runs it: blanks in the place of types, so that nothing moves.
  const code = stripTypeScriptTypes(readFileSync(path, 'utf8'))
  const ranges = rangesOf(counts ?? new Float64Array(code.length))
  const url = pathToFileURL(path).href
  const map = await convert({
    code,
    ast: parseSync('code.js', code).program as never,
    coverage: { url, functions: [{ functionName: '', isBlockCoverage: true, ranges }] },
  })
  const [file] = Object.values(map)
  if (file === undefined) throw new Error(`${path} has no syntax to count`)
  const { b: taken, branchMap } = 'data' in file ? file.data : file
  const missed = Object.entries(taken).flatMap(([id, times]) =>
    times.flatMap((count, n) => {
      const branch = branchMap[id]
      const at = branch?.locations[n]?.start
      if (count > 0 || branch === undefined) return []
      return at?.line === undefined ? `${place(branch.loc.start)}(else)` : place(at)
    }),
  )
  return { all: Object.values(taken).reduce((sum, { length }) => sum + length, 0), missed }
}

function place({ line, column }: { line: number; column: number }): string {
  return `${line}:${column + 1}`
}
