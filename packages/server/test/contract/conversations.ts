import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { fresh, newRun, started } from './samples.ts'

/** Conversations, by id and by folder. */
export function conversations(store: () => Store): void {
  describe('conversations', () => {
    it('an unknown id, name or folder leads to nothing', async () => {
      const { id, folder } = fresh()
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().resolve(id)).toBeUndefined()
      expect(await store().canonical(folder)).toBeUndefined()
    })

    it('a folder without a conversation gets the one that is offered, a folder with one keeps it', async () => {
      const { id, folder } = fresh()
      const first = await store().ensureCanonical({ id, folder, cwd: '~/x', group: 'g', at: 5 })
      expect(first).toEqual({
        created: true,
        conversation: {
          id,
          folder,
          cwd: '~/x',
          group: 'g',
          sessionId: undefined,
          head: 0,
          createdAt: 5,
          updatedAt: 5,
          title: undefined,
          isArchived: false,
          activeAt: 5,
          tags: [],
        },
      })
      const second = await store().ensureCanonical({ id: fresh().id, folder, cwd: '~/y', at: 6 })
      expect(second).toEqual({ ...first, created: false })
      expect(await store().canonical(folder)).toEqual(first.conversation)
      expect(await store().conversation(id)).toEqual(first.conversation)
      expect(await store().resolve(id)).toEqual({ conversation: first.conversation, isOwn: true })
    })

    it('two that ask at once for the conversation of a new folder get the same one', async () => {
      const { folder } = fresh()
      const asked = [1, 2, 3].map(() => store().ensureCanonical({ id: fresh().id, folder, cwd: folder, at: 1 }))
      const answers = await Promise.all(asked)
      expect(new Set(answers.map(({ conversation }) => conversation.id)).size).toBe(1)
      expect(answers.filter(({ created }) => created)).toHaveLength(1)
    })

    it('an id that belongs to another folder cannot become the conversation of this one', async () => {
      const { id, folder } = await started(store())
      const other = fresh().folder
      const answer = store().ensureCanonical({ id, folder: other, cwd: other, at: 2 })
      await expect(answer).rejects.toMatchObject({ code: 'conversation_cwd_mismatch', details: { folder } })
      expect(await store().canonical(other)).toBeUndefined()
    })

    it('keeps the last group that was given', async () => {
      const { id, folder } = fresh()
      const group = async () => (await store().conversation(id))?.group
      await store().ensureCanonical({ id, folder, cwd: folder, at: 1 })
      expect(await group()).toBeUndefined()
      await store().ensureCanonical({ id, folder, cwd: folder, group: 'a', at: 2 })
      expect(await group()).toBe('a')
      await store().activate({ id, folder, cwd: folder, at: 3 })
      expect(await group()).toBe('a')
      await store().beginRun(newRun({ name: id, folder, group: 'b' }))
      expect(await group()).toBe('b')
    })

    it("remembers the agent's session", async () => {
      const { id, folder } = fresh()
      await store().ensureCanonical({ id, folder, cwd: folder, at: 1 })
      await store().setSession(id, 'session-1', 7)
      expect(await store().conversation(id)).toMatchObject({ sessionId: 'session-1', createdAt: 1, updatedAt: 7 })
      const unknown = store().setSession(fresh().id, 'session-2', 8)
      await expect(unknown).rejects.toMatchObject({ code: 'conversation_unknown' })
    })
  })
}
