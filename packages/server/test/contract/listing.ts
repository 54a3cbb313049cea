import { describe, expect, it } from 'vitest'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { ConversationFilter } from '../../src/core/ports/conversation.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { fresh, newRun, started } from './samples.ts'

/** Conversations as a person finds them again. */
export function listing(store: () => Store): void {
  describe('conversations in a list', () => {
    const create = (at: number, folder = fresh().folder, title?: string) =>
      store().createConversation({ id: fresh().id, folder, cwd: folder, title, at })
    const ids = async (filter: Omit<ConversationFilter, 'limit'> & { limit?: number }) =>
      (await store().conversations({ limit: 100, ...filter })).map(({ id }) => id)

    it('is made beside others in its folder, under an id that was never used', async () => {
      const { id, folder, run } = await started(store())
      const made = await create(9, folder, 'A title')
      expect(made).toMatchObject({ folder, title: 'A title', head: 0, activeAt: 9, isArchived: false })
      expect(await store().canonical(folder)).toMatchObject({ id })
      expect(await store().createConversation({ id, folder, cwd: folder, title: undefined, at: 9 })).toBeUndefined()
      await store().endRun(run.id, ['{}'], 2)
      await store().deleteConversation(id)
      expect(await store().createConversation({ id, folder, cwd: folder, title: undefined, at: 9 })).toBeUndefined()
    })

    it('lists the newest activity first, page by page, and only of the folder', async () => {
      const { folder } = fresh()
      const made = []
      for (const at of [5, 7, 7, 6]) made.push(await create(at, folder))
      const [five, seven, otherSeven, six] = made.map((each) => each?.id as ConversationId)
      await create(8)
      expect(await ids({ folder })).toEqual([otherSeven, seven, six, five])
      const first = await store().conversations({ folder, limit: 2 })
      expect(first.map(({ id }) => id)).toEqual([otherSeven, seven])
      expect(await ids({ folder, before: first.at(-1) })).toEqual([six, five])
      expect(await ids({ folder: '/nowhere' as Folder })).toEqual([])
    })

    it('is active when a run begins, and called by its first prompt until it gets a title', async () => {
      const { folder } = fresh()
      const old = await create(1, folder)
      const newer = await create(2, folder)
      const id = old?.id as ConversationId
      const run = newRun({ name: id, isOwn: true, folder, text: '\n  Fix the *bug*  \nplease', at: 3 })
      expect(await store().beginRun(run)).toMatchObject({
        status: 'begun',
        conversation: { id, title: 'Fix the *bug*' },
      })
      expect(await store().canonical(folder)).toBeUndefined()
      await store().append(run.id, ['1'], 50)
      expect(await ids({ folder })).toEqual([id, newer?.id])
      expect(await store().conversation(id)).toMatchObject({ activeAt: 3, updatedAt: 50 })
      expect(await store().changeConversation(id, { title: 'Mine' })).toMatchObject({
        title: 'Mine',
        isArchived: false,
      })
      await store().endRun(run.id, ['2'], 51)
      await store().beginRun(newRun({ name: id, isOwn: true, folder, text: 'Another', at: 60 }))
      expect(await store().conversation(id)).toMatchObject({ title: 'Mine', activeAt: 60 })
    })

    it('an archived one is kept apart', async () => {
      const { folder } = fresh()
      const [a, b] = [await create(1, folder), await create(2, folder)]
      expect(await store().changeConversation(a?.id as ConversationId, { isArchived: true })).toMatchObject({
        isArchived: true,
      })
      expect(await ids({ folder, isArchived: false })).toEqual([b?.id])
      expect(await ids({ folder, isArchived: true })).toEqual([a?.id])
      expect(await ids({ folder })).toEqual([b?.id, a?.id])
      expect(await store().changeConversation(fresh().id, { isArchived: true })).toBeUndefined()
    })

    it('a run of its own id in a conversation that does not exist is refused', async () => {
      const { id, folder } = fresh()
      await expect(store().beginRun(newRun({ name: id, isOwn: true, folder }))).rejects.toMatchObject({
        code: 'conversation_unknown',
      })
    })
  })
}
