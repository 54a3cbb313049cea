import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './machine.ts'
import type { Row } from './part.ts'
import { median, ratioOf, reached } from './stats.ts'
import { markdownTable } from './table.ts'

/** What one part came to. */
export interface Outcome {
  readonly name: string
  readonly sentence: string
  readonly seconds: number
  readonly rows: readonly Row[]
  /** Why there are no figures. */
  readonly failure?: string
}

const FOLDER = join(import.meta.dirname, '../results')
const DOCUMENT = join(import.meta.dirname, '../../docs/performance.md')

/** Writes all repetitions of a run to `bench/results/<date>.json`; resolves to the file. */
export function writeResults(machine: Machine, outcomes: readonly Outcome[], now: Date): string {
  const parts = outcomes.map((outcome) => ({
    ...outcome,
    rows: outcome.rows.map((row) => ({ ...row, ...summary(row) })),
  }))
  mkdirSync(FOLDER, { recursive: true })
  const file = join(FOLDER, `${now.toISOString().slice(0, 19).replaceAll(':', '-')}.json`)
  writeFileSync(file, `${JSON.stringify({ at: now.toISOString(), machine, parts }, undefined, 2)}\n`)
  return file
}

/** What was measured last of each part, oldest results first overwritten. */
export function latestOutcomes(): Outcome[] {
  const latest = new Map<string, Outcome>()
  for (const name of readdirSync(FOLDER)
    .filter((each) => each.endsWith('.json'))
    .sort()) {
    const { parts } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as { parts: Outcome[] }
    for (const part of parts) if (part.failure === undefined) latest.set(part.name, part)
  }
  return [...latest.values()]
}

/** Puts the table between its marks in docs/performance.md. */
export function writeDocument(machine: Machine, outcomes: readonly Outcome[], now: Date): void {
  const text = readFileSync(DOCUMENT, 'utf8')
  const said = `Measured on ${now.toISOString().slice(0, 10)}: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}, fdatasync ${machine.fdatasyncP50Ms} ms (p50), load average ${machine.loadAverage} at the start.`
  const table = `<!-- table -->\n${said}\n\n${markdownTable(outcomes)}<!-- /table -->`
  const written = text.replace(/<!-- table -->[\s\S]*<!-- \/table -->/, () => table)
  if (!written.includes(table)) throw new Error('docs/performance.md has no <!-- table --> … <!-- /table -->')
  writeFileSync(DOCUMENT, written)
}

function summary(row: Row) {
  return {
    medians: { candidate: median(row.candidate), ...(row.baseline && { baseline: median(row.baseline) }) },
    ratio: ratioOf(row),
    reached: reached(row),
  }
}
