import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, endOf, fresh, newRun, started } from './samples.ts'

/** Taking in conversations from elsewhere. */
export function imports(store: () => Store): void {
  describe('imports', () => {
    const history = Array.from({ length: 3000 }, (_, n) => JSON.stringify({ n: n + 1, x: 'x'.repeat(200) }))
    const imported = (more: object = {}) => ({
      ...fresh(),
      cwd: '~/old',
      group: 'g',
      sessionId: 'session-0',
      createdAt: 10,
      updatedAt: 20,
      lines: history,
      canonical: true,
      ...more,
    })

    it('keeps ids, numbers and times, and can go on from there', async () => {
      const old = imported()
      expect(await store().importConversation(old)).toBe(true)
      expect(await store().canonical(old.folder)).toEqual({
        id: old.id,
        folder: old.folder,
        cwd: '~/old',
        group: 'g',
        sessionId: 'session-0',
        head: 3000,
        createdAt: 10,
        updatedAt: 20,
        title: undefined,
        isArchived: false,
        tags: [],
        activeAt: 20,
      })
      expect(await allLines(store(), old.id)).toEqual(history)
      const begun = await store().beginRun(newRun({ name: old.id, folder: old.folder }))
      expect(begun).toMatchObject({ status: 'begun', run: { first: 3001 } })
    })

    it('changes nothing when the id is known, as a conversation or as another name', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const before = await store().conversation(id)
      expect(await store().importConversation(imported({ id }))).toBe(false)
      expect(await store().importConversation(imported({ id: alias }))).toBe(false)
      expect(await store().conversation(id)).toEqual(before)
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id } })
    })

    it('does not take a folder from the conversation that it has', async () => {
      const { id, folder } = await started(store())
      const old = imported({ folder, lines: [], sessionId: undefined, group: undefined })
      expect(await store().importConversation(old)).toBe(true)
      expect(await store().canonical(folder)).toMatchObject({ id })
      expect(await store().conversation(old.id)).toMatchObject({ head: 0, sessionId: undefined, group: undefined })
      expect(await store().resolve(old.id)).toMatchObject({ conversation: { id }, isOwn: false })
    })

    it("history that is nobody's conversation stands for itself until a run makes it the folder's", async () => {
      const old = imported({ canonical: false, lines: ['{"n":1}'] })
      await store().importConversation(old)
      expect(await store().canonical(old.folder)).toBeUndefined()
      expect(await store().resolve(old.id)).toMatchObject({ conversation: { id: old.id }, isOwn: true })
      const begun = await store().beginRun(newRun({ name: old.id, folder: old.folder }))
      expect(begun).toMatchObject({ status: 'begun', conversation: { id: old.id, head: 2 } })
      expect(await store().canonical(old.folder)).toMatchObject({ id: old.id })
    })
  })
}
