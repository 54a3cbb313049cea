import type { Row, Target } from './part.ts'
import { median, ratioOf, reached } from './stats.ts'

const HEAD = ['part', 'what', 'candidate', 'against', 'ratio', 'target', '']

/** The rows of parts as a table of Markdown. */
export function markdownTable(parts: readonly { name: string; rows: readonly Row[] }[]): string {
  const body = parts.flatMap(({ name, rows }) => rows.map((row) => cells(name, row)))
  const lines = [HEAD, HEAD.map(() => '---'), ...body].map((line) => `| ${line.join(' | ')} |`)
  const notes = parts.flatMap(({ name, rows }) => rows.flatMap(({ note }) => (note ? [`* ${name}: ${note}`] : [])))
  return [...lines, ...(notes.length > 0 ? ['', ...new Set(notes)] : []), ''].join('\n')
}

/** The rows of one part as lines for a terminal. */
export function terminalLines(name: string, rows: readonly Row[]): string[] {
  const widths = [16, 62, 18, 46, 7, 20, 6]
  const lines = rows.map((row) =>
    cells(name, row)
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' ')
      .trimEnd(),
  )
  return [...lines, ...new Set(rows.flatMap(({ note }) => (note ? [`                 note: ${note}`] : [])))]
}

function cells(name: string, row: Row): string[] {
  const ratio = ratioOf(row)
  const baseline = row.baseline === undefined ? '' : `${figure(median(row.baseline))} ${row.unit}`
  const against = [baseline, row.against ?? ''].filter(Boolean).join(', ')
  const verdict = { true: 'ok', false: 'missed', undefined: '' }[String(reached(row))] ?? ''
  return [
    name,
    row.what,
    `${figure(median(row.candidate))} ${row.unit}`,
    against,
    ratio === undefined ? '' : ratio.toFixed(2),
    row.target ? targetText(row.target, row.unit) : '',
    verdict,
  ]
}

function targetText({ of, atMost, atLeast }: Target, unit: string): string {
  const limit = atMost === undefined ? `≥ ${atLeast}` : `≤ ${Number(atMost.toFixed(3))}`
  return of === 'ratio' ? `${limit} ×` : `${limit} ${unit}`
}

/** Three digits that count, thousands apart. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-GB')
  return String(Number(value.toPrecision(3)))
}
