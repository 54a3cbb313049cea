import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, fresh, started } from './samples.ts'

/** What conversations are set to. */
export function settings(store: () => Store): void {
  describe('settings', () => {
    it('are kept with the event that tells of it, also while a run is open', async () => {
      const { id, run } = await started(store())
      expect((await store().conversation(id))?.settings).toBeUndefined()
      const to = { model: 'm', effort: 'low' as const, permissionMode: 'plan' as const, start: 's' }
      const changed = await store().changeSettings({ id, from: {}, to, line: '{"set":1}', at: 5 })
      expect(changed).toMatchObject({ status: 'changed', number: 2, conversation: { head: 2, settings: to } })
      expect((await store().conversation(id))?.settings).toEqual(to)
      expect(await store().append(run.id, ['{"n":3}'], 6)).toMatchObject({ first: 3 })
      expect(await allLines(store(), id)).toEqual(['{"n":1}', '{"set":1}', '{"n":3}'])
    })

    it('go back to nothing', async () => {
      const { id } = await started(store())
      const from = { model: 'm' }
      await store().changeSettings({ id, from: {}, to: from, line: '{}', at: 2 })
      await store().changeSettings({ id, from, to: {}, line: '{}', at: 3 })
      expect((await store().conversation(id))?.settings).toBeUndefined()
      expect(await store().changeSettings({ id, from: {}, to: from, line: '{}', at: 4 })).toMatchObject({ number: 4 })
    })

    it('of several that change them at once, one does; the others hear what they are now and store nothing', async () => {
      const { id } = await started(store())
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((model) =>
          store().changeSettings({ id, from: {}, to: { model }, line: `{"m":"${model}"}`, at: 2 }),
        ),
      )
      const [won, ...lost] = answers.toSorted((a, b) => (a.status < b.status ? -1 : 1))
      if (won?.status !== 'changed') throw new Error('nobody has changed them')
      const { settings: now } = won.conversation
      for (const other of lost)
        expect(other).toMatchObject({ status: 'stale', conversation: { settings: now, head: 2 } })
      expect(await store().conversation(id)).toMatchObject({ head: 2, settings: now })
    })

    it('of an unknown or deleted conversation cannot be changed', async () => {
      const change = { from: {}, to: { model: 'm' }, line: '{}', at: 2 }
      expect(await store().changeSettings({ id: fresh().id, ...change })).toEqual({ status: 'unknown' })
      const { id, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      await store().deleteConversation(id)
      expect(await store().changeSettings({ id, ...change })).toEqual({ status: 'unknown' })
    })
  })
}
