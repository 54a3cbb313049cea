import type { Row } from './part.ts'

/** The middle one; of an even number the mean of the two in the middle. NaN when there is none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** Linear between neighbours, as spreadsheets do. NaN when there is no value. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = ((sorted.length - 1) * p) / 100
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * Candidate against baseline: the median of the rounds' own ratios. The two figures of a round were measured within
 * seconds of one another, so that a machine that slows down in between moves both.
 */
export function ratioOf({ candidate, baseline }: Pick<Row, 'candidate' | 'baseline'>): number | undefined {
  if (baseline === undefined) return undefined
  const ratios = candidate.flatMap((figure, round) => {
    const other = baseline[round]
    return other === undefined || other === 0 ? [] : [figure / other]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

/** Whether the row reached its target; undefined when it has none. */
export function reached(row: Row): boolean | undefined {
  const { target } = row
  if (target === undefined) return undefined
  const figure = target.of === 'ratio' ? ratioOf(row) : median(row.candidate)
  if (figure === undefined || Number.isNaN(figure)) return false
  return figure <= (target.atMost ?? Number.POSITIVE_INFINITY) && figure >= (target.atLeast ?? Number.NEGATIVE_INFINITY)
}
