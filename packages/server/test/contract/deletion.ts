import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, endOf, fresh, newRun, started } from './samples.ts'

/** Deleting conversations. */
export function deletion(store: () => Store): void {
  const unknown = { code: 'conversation_unknown', details: { reset: true } }

  describe('deletion', () => {
    it('leaves nothing of the conversation: no events, no runs, no name that leads to it', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{"n":2}'], 2)
      const alias = fresh().id
      const second = newRun({ name: alias, folder })
      await endOf(store(), second)
      expect(await store().deleteConversation(id)).toEqual({ status: 'deleted' })
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().canonical(folder)).toBeUndefined()
      for (const name of [id, alias]) expect(await store().resolve(name)).toBeUndefined()
      for (const each of [run, second]) expect(await store().run(each.id)).toBeUndefined()
      expect(await store().page(id, 0, 1000)).toMatchObject({ count: 0 })
      expect(await store().append(run.id, ['{}'], 3)).toEqual({ status: 'closed' })
      await expect(store().setSession(id, 'session', 3)).rejects.toMatchObject({ code: 'conversation_unknown' })
    })

    it('of a conversation that nobody knows, or that is deleted already, changes nothing', async () => {
      const { id, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      expect(await store().deleteConversation(fresh().id)).toEqual({ status: 'unknown' })
      const twice = await Promise.all([store().deleteConversation(id), store().deleteConversation(id)])
      expect(twice).toEqual([{ status: 'deleted' }, { status: 'unknown' }])
    })

    it('is refused while a run is open in the conversation, and changes nothing', async () => {
      const { id, folder, run } = await started(store())
      expect(await store().deleteConversation(id)).toEqual({ status: 'busy', run })
      expect(await store().canonical(folder)).toMatchObject({ id, head: 1 })
      expect(await store().append(run.id, ['{}'], 2)).toMatchObject({ status: 'stored', first: 2 })
      await store().endRun(run.id, ['{}'], 3)
      expect(await store().deleteConversation(id)).toEqual({ status: 'deleted' })
    })

    it('of a run that ends and the deletion asked for at once, the deletion comes after it', async () => {
      const { id, run } = await started(store())
      const [ended, deleted] = await Promise.all([store().endRun(run.id, ['{}'], 2), store().deleteConversation(id)])
      expect(ended).toMatchObject({ status: 'stored' })
      expect(deleted).toEqual({ status: 'deleted' })
    })

    it('of an old conversation leaves its folder to the one that it has, also while a run is open there', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const next = fresh().id
      await store().activate({ id: next, folder, cwd: folder, at: 3 })
      const open = newRun({ name: next, folder })
      await store().beginRun(open)
      expect(await store().deleteConversation(id)).toEqual({ status: 'deleted' })
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().resolve(id)).toBeUndefined()
      for (const name of [next, alias])
        expect(await store().resolve(name)).toMatchObject({ conversation: { id: next } })
      expect(await store().append(open.id, ['{}'], 4)).toMatchObject({ status: 'stored', first: 2 })
    })

    it("of a folder's conversation lets those before it stand for themselves", async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const next = fresh().id
      await store().activate({ id: next, folder, cwd: folder, at: 3 })
      await store().deleteConversation(next)
      expect(await store().canonical(folder)).toBeUndefined()
      expect(await store().resolve(id)).toMatchObject({ conversation: { id, head: 2 }, isOwn: true })
    })

    it('neither the id nor a name that led there is ever given out again', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      await store().deleteConversation(id)
      const other = fresh().folder
      for (const name of [id, alias]) {
        const refused = newRun({ name, folder })
        await expect(store().beginRun(refused)).rejects.toMatchObject(unknown)
        await expect(store().activate({ id: name, folder: other, cwd: other, at: 3 })).rejects.toMatchObject(unknown)
        const offered = store().ensureCanonical({ id: name, folder, cwd: folder, at: 3 })
        await expect(offered).rejects.toMatchObject(unknown)
        const old = {
          id: name,
          folder,
          cwd: folder,
          group: undefined,
          sessionId: undefined,
          createdAt: 1,
          updatedAt: 1,
        }
        expect(await store().importConversation({ ...old, lines: ['{}'], canonical: true })).toBe(false)
        expect(await store().run(refused.id)).toBeUndefined()
      }
      expect(await store().canonical(folder)).toBeUndefined()
      expect(await store().canonical(other)).toBeUndefined()
    })

    it('a deleted name is no further name of the conversation that its folder has by now, either', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      await store().deleteConversation(id)
      const next = fresh().id
      await endOf(store(), newRun({ name: next, folder }))
      await expect(store().beginRun(newRun({ name: id, folder }))).rejects.toMatchObject(unknown)
      expect(await store().canonical(folder)).toMatchObject({ id: next, head: 2 })
    })

    it('the next conversation begins at 1 and has its own events alone', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, Array(50).fill('{"of":"the deleted one"}'), 2)
      await store().deleteConversation(id)
      const next = newRun({ name: fresh().id, folder })
      expect(await store().beginRun(next)).toMatchObject({ status: 'begun', run: { first: 1 } })
      await store().append(next.id, ['{"n":2}'], 3)
      expect(await allLines(store(), next.name)).toEqual(['{"n":1}', '{"n":2}'])
    })
  })
}
