import { expect, test } from 'vitest'
import { SLICE_MS } from '../src/pace.ts'
import { createSlices } from '../src/slices.ts'

/** Longer than a slice. */
function toil(): void {
  const until = performance.now() + SLICE_MS + 1
  while (performance.now() < until);
}

test('what there is no time left for is done in later tasks, one long piece in each, the newest first', async () => {
  const inSlices = createSlices()
  const done: string[] = []
  const does = (name: string) =>
    inSlices(() => {
      done.push(name)
      toil()
    })
  does('first')
  does('second')
  const forget = does('third')
  does('fourth')
  forget()
  expect(done).toEqual(['first'])
  const counts: number[] = []
  while (done.length < 3) {
    await new Promise((resolve) => setTimeout(resolve))
    counts.push(done.length)
  }
  expect(done).toEqual(['first', 'fourth', 'second'])
  expect(counts).toContain(2)
  // What comes by itself is done at once again.
  await new Promise((resolve) => setTimeout(resolve))
  does('later')
  expect(done.at(-1)).toBe('later')
})
