import type { FollowItem } from '../src/index.ts'

/** Comes back without waiting for long, where patience is not what is tested. */
export const wakeSoon = (wake: () => void) => {
  const timer = setInterval(wake, 20)
  return () => clearInterval(timer)
}

/** Reads up to the first item that fits. */
export async function readTo<I>(items: AsyncIterable<I>, isLast: (item: I) => boolean): Promise<I[]> {
  const all: I[] = []
  for await (const item of items) {
    all.push(item)
    if (isLast(item)) break
  }
  return all
}

/** The result of the run with this number, counted from the first. */
export function resultOf(run = 1) {
  let left = run
  return (item: FollowItem) => item.kind === 'event' && item.event.type === 'result' && --left === 0
}

export const eventsOf = (items: readonly FollowItem[]) =>
  items.flatMap((item) => (item.kind === 'event' ? [{ id: item.id, event: item.event }] : []))

export const opensOf = (items: readonly FollowItem[]) => items.filter((item) => item.kind === 'open')

/** The numbers from `first` to `last`. */
export const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)
