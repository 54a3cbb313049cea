import type { Sample } from './family.ts'

/** How often a measure was at most so large. */
export class Histogram {
  readonly #bounds: readonly number[]
  /** The last one is for all above. */
  readonly #counts: Float64Array
  #sum = 0

  /** `bounds`: rising, in the unit of the metric. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let bucket = 0
    while (value > (this.#bounds[bucket] ?? Infinity)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  /** Buckets hold all that is below them, too. */
  samples(labels: Readonly<Record<string, string>> = {}): Sample[] {
    let count = 0
    const buckets = [...this.#counts].map((each, bucket): Sample => {
      count += each
      const bound = this.#bounds[bucket]
      return {
        suffix: '_bucket',
        labels: { ...labels, le: bound === undefined ? '+Inf' : String(bound) },
        value: count,
      }
    })
    return [...buckets, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: count }]
  }
}
