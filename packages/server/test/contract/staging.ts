import { describe, expect, it } from 'vitest'
import type { StagedId, Publication } from '../../src/core/ports/staging.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, endOf, fresh, newRun, started } from './samples.ts'

/** Conversations that begin with a history. */
export function staging(store: () => Store): void {
  const publication = (staged: StagedId, more: Partial<Publication> = {}): Publication => {
    const { id, folder } = fresh()
    const usual = {
      title: 'Old',
      tags: ['old'],
      sessionId: crypto.randomUUID() as string,
      ownsSession: true,
      line: '{"end":1}',
      at: 7,
    }
    return { staged, id, folder, cwd: folder, ...usual, ...more }
  }
  const lines = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, n) => JSON.stringify({ n: n + 1, x: 'x'.repeat(bytes) }))

  describe('staging', () => {
    it('become conversations with all they hold, beside the one that their folder has', async () => {
      const { folder, id: canonical } = await started(store())
      const staged = await store().beginStaged(5)
      await store().addToStaged(staged, ['{"n":1}', '{"n":2}'], 5)
      await store().addToStaged(staged, ['{"n":3}'], 6)
      const input = publication(staged, { folder, cwd: '~/x' })
      const { id, sessionId } = input
      const published = await store().publishStaged(input)
      const conversation = await store().conversation(id)
      expect(published).toEqual({ status: 'published', conversation })
      expect(conversation).toMatchObject({
        folder,
        cwd: '~/x',
        title: 'Old',
        tags: ['old'],
        sessionId,
        head: 4,
        activeAt: 7,
      })
      expect(await allLines(store(), id)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}', '{"end":1}'])
      expect(await store().canonical(folder)).toMatchObject({ id: canonical })
      expect(await store().conversationOfSession(String(sessionId))).toMatchObject({ id })
    })

    it('are nobody’s before: no list, no name, no id leads to them', async () => {
      const staged = await store().beginStaged(Number.MAX_SAFE_INTEGER)
      await store().addToStaged(staged, ['{"n":1}'], 5)
      const listed = await store().conversations({ limit: 999 })
      expect(listed.filter(({ head, folder }) => head === 1 && folder === '')).toEqual([])
      expect(await store().conversation(staged as never)).toBeUndefined()
      await store().dropStaged(staged)
      await expect(store().addToStaged(staged, ['{"n":2}'], 5)).rejects.toThrow()
      await expect(store().publishStaged(publication(staged))).rejects.toThrow()
    })

    it('take no id that is or was taken, and no session that is another’s, and stay staged', async () => {
      const { id: taken, run } = await started(store())
      await store().setSession(taken, 'their-session', 2)
      const gone = await started(store())
      await store().endRun(gone.run.id, ['{}'], 2)
      await store().deleteConversation(gone.id)
      const staged = await store().beginStaged(5)
      for (const id of [taken, gone.id])
        expect(await store().publishStaged(publication(staged, { id }))).toEqual({ status: 'taken' })
      const wanted = publication(staged, { sessionId: 'their-session' })
      expect(await store().publishStaged(wanted)).toEqual({ status: 'owned', by: taken })
      expect(await store().conversation(wanted.id)).toBeUndefined()
      expect(await store().publishStaged({ ...wanted, ownsSession: false })).toMatchObject({ status: 'published' })
      await store().endRun(run.id, ['{}'], 3)
      await store().deleteConversation(taken)
      // The session has found another owner by then.
      expect(await store().conversationOfSession('their-session')).toMatchObject({ id: wanted.id })
    })

    it.each([1, 2, 999, 1000, 1001, 2999, 3001])('copy the first %i events as they are', async (until) => {
      const source = await started(store())
      await store().append(source.run.id, lines(2500, 300), 2)
      for (let n = 0; n < 500; n++) await store().append(source.run.id, [`{"single":${n}}`], 3)
      const staged = await store().beginStaged(5)
      let head = 0
      while (head < until) {
        const next: number | undefined = await store().copyToStaged(staged, source.id, until)
        expect(next).toBeGreaterThan(head)
        head = next ?? until
      }
      const input = publication(staged)
      expect(await store().publishStaged(input)).toMatchObject({ status: 'published' })
      const expected = (await allLines(store(), source.id)).slice(0, until)
      expect(await allLines(store(), input.id)).toEqual([...expected, '{"end":1}'])
      await endOf(store(), newRun({ name: input.id, folder: input.folder }))
      expect(await store().conversation(input.id)).toMatchObject({ head: until + 3 })
    })

    it('copy nothing that is not there, or not any more', async () => {
      const source = await started(store())
      const staged = await store().beginStaged(5)
      expect(await store().copyToStaged(staged, source.id, 2)).toBeUndefined()
      expect(await store().copyToStaged(staged, fresh().id, 1)).toBeUndefined()
      await store().endRun(source.run.id, ['{}'], 2)
      await store().deleteConversation(source.id)
      expect(await store().copyToStaged(staged, source.id, 1)).toBeUndefined()
    })
  })

  describe('notes', () => {
    it('are events of a conversation, whether a run is open or not', async () => {
      const { id, run } = await started(store())
      expect(await store().addNote(id, '{"note":1}', 2)).toBe(2)
      await store().endRun(run.id, ['{}'], 3)
      expect(await store().addNote(id, '{"note":2}', 4)).toBe(4)
      expect(await allLines(store(), id)).toEqual(['{"n":1}', '{"note":1}', '{}', '{"note":2}'])
    })

    it('of conversations that are not there are not stored', async () => {
      expect(await store().addNote(fresh().id, '{}', 2)).toBeUndefined()
    })
  })
}
