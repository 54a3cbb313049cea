import type { Random } from './random.ts'

/** A change of a file that may not be on the disk yet. */
export interface Write {
  readonly isTruncation: boolean
  readonly at: number
  readonly data: Buffer
  isDone: boolean
}

/** What is sure to be there, and what was done since, in order. */
export interface File {
  durable: Buffer
  pending: Write[]
}

const SECTOR = 512

/** What may be left of a file after a power cut: see `Disk`. */
export function torn({ durable, pending }: File, random: Random): Buffer {
  const way = random.pick(['nothing', 'everything', 'in order', 'sectors', 'pages', 'rubbish'])
  if (pending.length === 0 || way === 'nothing') return durable
  if (way === 'everything') return apply(durable, pending)
  if (way === 'in order') {
    const whole = pending.slice(0, random.int(0, pending.length))
    const last = whole.pop()
    if (last === undefined) return durable
    const length = Math.min(last.data.length, random.int(0, last.data.length / SECTOR) * SECTOR)
    return apply(durable, [...whole, { ...last, data: last.data.subarray(0, length) }])
  }
  const unit = way === 'pages' ? 8 * SECTOR : SECTOR
  const size = sizeAfter(durable, pending.slice(0, random.int(0, pending.length)))
  const left = Buffer.alloc(size)
  if (way === 'rubbish') for (let n = durable.length; n < size; n++) left[n] = random.int(0, 255)
  durable.copy(left)
  const share = random.pick([0.1, 0.5, 0.9])
  const stuck = new Set<number>()
  for (const { isTruncation, at, data } of pending) {
    if (isTruncation) continue
    for (let unitAt = at - (at % unit); unitAt < at + data.length; unitAt += unit) {
      if (stuck.has(unitAt)) continue
      if (!random.chance(share)) {
        stuck.add(unitAt)
        continue
      }
      const from = Math.max(at, unitAt)
      data.copy(left, from, from - at, Math.min(data.length, unitAt + unit - at))
    }
  }
  return left
}

/** A file after all of these, one after the other. `inPlace`: what was before is ours, and needed no more. */
export function apply(before: Buffer, writes: readonly Write[], inPlace = false): Buffer {
  if (writes.length === 0) return before
  const most = writes.reduce((size, { at, data }) => Math.max(size, at + data.length), before.length)
  const room = Buffer.from(before.buffer, before.byteOffset)
  const after = inPlace && room.length >= most ? room : Buffer.alloc(inPlace ? most * 2 : most)
  if (after !== room) before.copy(after)
  let length = before.length
  for (const { isTruncation, at, data } of writes) {
    // what lies beyond the end, as space or as what was cut off, reads as zeros
    if (isTruncation || at > length) after.fill(0, Math.min(length, at), Math.max(length, at))
    data.copy(after, at)
    length = isTruncation ? at : Math.max(length, at + data.length)
  }
  return after.subarray(0, length)
}

function sizeAfter(before: Buffer, writes: readonly Write[]): number {
  return writes.reduce(
    (size, { isTruncation, at, data }) => (isTruncation ? at : Math.max(size, at + data.length)),
    before.length,
  )
}

export const NOTHING = Buffer.alloc(0)
