import type { Sample } from './family.ts'

/** Values of a label. Models and outcomes are other people's words: beyond this many, the rest is one. */
const MOST_VALUES = 100
const REST = 'other'

/** A number for each value of one label. */
export class Counter {
  readonly #label: string
  readonly #counts = new Map<string, number>()

  constructor(label: string) {
    this.#label = label
  }

  add(value: string, count: number): void {
    const known = this.#counts.get(value)
    if (known !== undefined || this.#counts.size < MOST_VALUES) this.#counts.set(value, (known ?? 0) + count)
    else this.#counts.set(REST, (this.#counts.get(REST) ?? 0) + count)
  }

  samples(more: Readonly<Record<string, string>> = {}): Sample[] {
    return [...this.#counts].map(([value, count]) => ({ labels: { [this.#label]: value, ...more }, value: count }))
  }
}
