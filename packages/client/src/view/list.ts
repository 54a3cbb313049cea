const PAGE = 32

/**
 * A list that is never changed: adding to it, or putting another thing in a place, makes a new one that shares nearly all
 * of the old. Each page stays the same object as long as nothing in it changes, so that a page of a screen can, too.
 */
export class List<T> implements Iterable<T> {
  readonly pages: readonly (readonly T[])[]
  readonly length: number

  constructor(pages: readonly (readonly T[])[] = [], length = 0) {
    this.pages = pages
    this.length = length
  }

  at(index: number): T | undefined {
    return this.pages[Math.floor(index / PAGE)]?.[index % PAGE]
  }

  /** With one more at the end. */
  plus(item: T): List<T> {
    return this.#put(this.length, item)
  }

  /** With another thing in a place that there is. */
  with(index: number, item: T): List<T> {
    return index < this.length ? this.#put(index, item) : this
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const page of this.pages) yield* page
  }

  #put(index: number, item: T): List<T> {
    const at = Math.floor(index / PAGE)
    const page = [...(this.pages[at] ?? [])]
    page[index % PAGE] = item
    const pages = [...this.pages]
    pages[at] = page
    return new List(pages, Math.max(this.length, index + 1))
  }
}
