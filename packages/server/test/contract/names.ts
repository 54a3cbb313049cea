import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { endOf, fresh, newRun, started } from './samples.ts'

/** What the names that clients use lead to. */
export function names(store: () => Store): void {
  describe('names', () => {
    it('a run under an unknown name in a folder without a conversation makes it the conversation', async () => {
      const { id, folder } = fresh()
      const begun = await store().beginRun(newRun({ name: id, folder, cwd: '~/p', at: 9 }))
      expect(begun).toMatchObject({ status: 'begun', conversation: { id, folder, cwd: '~/p', head: 1, createdAt: 9 } })
      expect(await store().canonical(folder)).toMatchObject({ id, head: 1 })
    })

    it('a run under an unknown name in a folder with a conversation goes there, and the name leads there', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      const begun = await store().beginRun(newRun({ name: alias, folder }))
      expect(begun).toMatchObject({
        status: 'begun',
        conversation: { id, head: 3 },
        run: { conversation: id, first: 3 },
      })
      expect(await store().conversation(alias)).toBeUndefined()
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id, head: 3 }, isOwn: false })
    })

    it('a name that belongs to another folder is refused and changes nothing', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const before = await store().conversation(id)
      const other = fresh().folder
      for (const name of [id, alias]) {
        const refused = newRun({ name, folder: other, group: 'other' })
        expect(await store().beginRun(refused)).toEqual({ status: 'elsewhere', folder })
        expect(await store().activate({ id: name, folder: other, cwd: other, at: 3 })).toEqual({
          status: 'elsewhere',
          folder,
        })
        expect(await store().run(refused.id)).toBeUndefined()
      }
      expect(await store().canonical(other)).toBeUndefined()
      expect(await store().conversation(id)).toEqual(before)
    })

    it('all names of a folder follow its conversation, also those of the conversations before', async () => {
      const { id: a, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const [b, c] = [fresh().id, fresh().id]
      await store().activate({ id: b, folder, cwd: folder, at: 3 })
      await store().activate({ id: c, folder, cwd: folder, at: 4 })
      for (const name of [a, alias, b]) {
        expect(await store().resolve(name)).toMatchObject({ conversation: { id: c }, isOwn: false })
      }
      expect(await store().resolve(c)).toMatchObject({ conversation: { id: c }, isOwn: true })
      const begun = await store().beginRun(newRun({ name: a, folder }))
      expect(begun).toMatchObject({ status: 'begun', conversation: { id: c, head: 1 } })
      expect(await store().conversation(a)).toMatchObject({ id: a, head: 4 })
    })
  })
}
