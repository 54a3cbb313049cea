import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Profiler } from 'node:inspector'

/** How often each character of a script has run, in all processes together. */
export type Counts = Map<string, Float64Array>

/** Sums up what processes and threads have left in `directory` (NODE_V8_COVERAGE), for the scripts that are wanted. */
export function countsIn(directory: string, isWanted: (url: string) => boolean): Counts {
  const counts: Counts = new Map()
  for (const name of readdirSync(directory)) {
    const { result } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as { result: Profiler.ScriptCoverage[] }
    for (const { url, functions } of result) if (isWanted(url)) add(counts, url, functions)
  }
  return counts
}

/** Counts as the ranges of one function, each with its own. */
export function rangesOf(counts: Float64Array): Profiler.CoverageRange[] {
  const ranges: Profiler.CoverageRange[] = []
  let startOffset = 0
  for (let at = 1; at <= counts.length; at++) {
    if (counts[at] === counts[startOffset]) continue
    ranges.push({ startOffset, endOffset: at, count: counts[startOffset] ?? 0 })
    startOffset = at
  }
  return ranges
}

function add(counts: Counts, url: string, functions: readonly Profiler.FunctionCoverage[]): void {
  // The first function is the script itself.
  const length = functions[0]?.ranges[0]?.endOffset ?? 0
  const own = new Float64Array(length)
  // An inner range comes after the one around it, and counts instead.
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges) own.fill(count, startOffset, endOffset)
  const sum = counts.get(url)
  if (sum === undefined) counts.set(url, own)
  else for (const [at, count] of own.entries()) sum[at] = (sum[at] ?? 0) + count
}
