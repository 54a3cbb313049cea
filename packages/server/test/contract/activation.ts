import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { endOf, fresh, newRun, started } from './samples.ts'

/** How a folder gets another conversation. */
export function activation(store: () => Store): void {
  describe('activation', () => {
    it("an unknown id becomes a new conversation and the folder's", async () => {
      const { id, folder } = fresh()
      const input = { id, folder, cwd: '~/q', group: 'g', at: 3 }
      expect(await store().activate(input)).toEqual({ status: 'activated', previous: undefined })
      expect(await store().canonical(folder)).toMatchObject({ id, cwd: '~/q', group: 'g', head: 0, createdAt: 3 })
    })

    it('an old conversation can become canonical again, with its events', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const next = fresh().id
      expect(await store().activate({ id: next, folder, cwd: folder, at: 3 })).toMatchObject({ previous: id })
      expect(await store().activate({ id, folder, cwd: folder, at: 4 })).toEqual({
        status: 'activated',
        previous: next,
      })
      expect(await store().canonical(folder)).toMatchObject({ id, head: 2 })
    })

    it('an alias that is activated becomes a conversation of its own', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      expect(await store().activate({ id: alias, folder, cwd: folder, at: 3 })).toEqual({
        status: 'activated',
        previous: id,
      })
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id: alias, head: 0 }, isOwn: true })
      await store().activate({ id, folder, cwd: folder, at: 4 })
      expect(await store().conversation(alias)).toMatchObject({ id: alias })
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id }, isOwn: false })
    })

    it('an open run keeps its folder from changing the conversation', async () => {
      const { id, folder, run } = await started(store())
      const other = fresh().id
      expect(await store().activate({ id: other, folder, cwd: folder, at: 3 })).toEqual({ status: 'busy', run })
      expect(await store().conversation(other)).toBeUndefined()
      expect(await store().resolve(other)).toBeUndefined()
      expect(await store().activate({ id, folder, cwd: folder, at: 4 })).toEqual({ status: 'activated', previous: id })
    })
  })
}
