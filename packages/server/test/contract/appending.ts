import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, fresh, started, text } from './samples.ts'

/** Storing events of a run. */
export function appending(store: () => Store): void {
  describe('appending', () => {
    it('stores nothing for a run that nobody knows', async () => {
      expect(await store().append(fresh().run, ['{}'], 1)).toEqual({ status: 'closed' })
      expect(await store().endRun(fresh().run, ['{}'], 1)).toEqual({ status: 'closed' })
    })

    it('refuses what would shift the numbers: no lines at all, or a line that is two', async () => {
      const { id, run } = await started(store())
      await expect(store().append(run.id, [], 2)).rejects.toThrow(RangeError)
      await expect(store().append(run.id, ['{}', '{}\n{}'], 2)).rejects.toThrow(RangeError)
      expect(await store().conversation(id)).toMatchObject({ head: 1 })
    })

    it('numbers appends in the order in which they were asked for', async () => {
      const { run } = await started(store())
      const asked = Array.from({ length: 50 }, (_, n) => store().append(run.id, Array(1 + (n % 3)).fill('{}'), n))
      let next = 2
      for (const [n, appended] of (await Promise.all(asked)).entries()) {
        expect(appended).toEqual({ status: 'stored', first: next, last: next + (n % 3) })
        next += 1 + (n % 3)
      }
    })

    it('what was appended can be read as soon as the append resolves', async () => {
      const { id, run } = await started(store())
      for (let n = 2; n < 30; n++) {
        await store().append(run.id, [`{"n":${n}}`], n)
        expect(text(await store().page(id, n - 1, 1000))).toBe(`{"n":${n}}\n`)
        expect(await store().conversation(id)).toMatchObject({ head: n, updatedAt: n })
      }
    })

    it('takes lines of every size, also more than fits into one row', async () => {
      const { id, run } = await started(store())
      const big = [300_000, 1, 700_000, 100, 262_143, 262_144].map((size) => JSON.stringify('x'.repeat(size)))
      const many = Array.from({ length: 5000 }, (_, n) => `{"n":${n}}`)
      expect(await store().append(run.id, [...big, ...many], 2)).toEqual({ status: 'stored', first: 2, last: 5007 })
      expect(await allLines(store(), id)).toEqual(['{"n":1}', ...big, ...many])
    })
  })
}
