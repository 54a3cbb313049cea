import { certain } from '../../core/certain.ts'

/** The commits that a sealed chunk was made of, in their order: `k` and number of events of each. */
export interface Commits {
  readonly ks: readonly number[]
  readonly counts: readonly number[]
}

/**
 * The commits as bytes: the number of events of the first, then for each that follows how much larger its `k` is and its
 * number of events. Two bytes a commit, as a rule: numbers of seven bits a byte, the lowest first.
 */
export function packCommits({ ks, counts }: Commits): Uint8Array {
  const bytes: number[] = []
  let before: number | undefined
  for (const [n, k] of ks.entries()) {
    if (before !== undefined) put(bytes, k - before)
    put(bytes, certain(counts[n], 'a number of events'))
    before = k
  }
  return Uint8Array.from(bytes)
}

export function unpackCommits(first: number, bytes: Uint8Array): Commits {
  const ks: number[] = []
  const counts: number[] = []
  let k = first
  let value = 0
  let scale = 1
  let isCount = true
  for (const byte of bytes) {
    value += (byte & 127) * scale
    scale *= 128
    if (byte > 127) continue
    if (isCount) {
      ks.push(k)
      counts.push(value)
    } else {
      k += value
    }
    isCount = !isCount
    value = 0
    scale = 1
  }
  return { ks, counts }
}

function put(bytes: number[], number: number): void {
  let left = number
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  bytes.push(left)
}
