import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { fresh, started } from './samples.ts'

/** Reading events. */
export function pages(store: () => Store): void {
  describe('pages', () => {
    it('is empty where there is nothing, however large the position', async () => {
      const { id } = await started(store())
      const empty = new Uint8Array()
      for (const after of [1, 2, 1e15, Number.MAX_SAFE_INTEGER - 1]) {
        const page = await store().page(id, after, 1000)
        expect({ ...page, lines: new Uint8Array(page.lines) }).toEqual({
          first: after + 1,
          count: 0,
          lines: empty,
          head: 1,
        })
      }
      expect(await store().page(fresh().id, 0, 1000)).toMatchObject({ first: 1, count: 0, head: 0 })
    })

    it('says where the conversation ends, however little of it is read', async () => {
      const { id, run } = await started(store())
      await store().append(run.id, ['1', '2', '3'], 2)
      for (const after of [0, 1, 3, 4, 9]) expect(await store().page(id, after, 1)).toMatchObject({ head: 4 })
    })

    it('holds one event even when that is larger than asked for', async () => {
      const { id, run } = await started(store())
      await store().append(run.id, [JSON.stringify('x'.repeat(1000))], 2)
      const page = await store().page(id, 1, 1)
      expect(page).toMatchObject({ first: 2, count: 1 })
      expect(page.lines).toHaveLength(1003)
    })

    it('does not hold much more than was asked for', async () => {
      const { id, run } = await started(store())
      const line = JSON.stringify('x'.repeat(1000))
      for (let n = 0; n < 4; n++) await store().append(run.id, Array(500).fill(line), 2)
      const page = await store().page(id, 0, 256 * 1024)
      expect(page.count).toBeGreaterThan(100)
      expect(page.lines.length).toBeLessThanOrEqual(512 * 1024)
    })
  })
}
