import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { added, allLines, fresh, newPrompt, newRun, started } from './samples.ts'

/** Requests that come twice. */
export function requests(store: () => Store): void {
  const key = { key: 'k', digest: 'one' }
  const other = { key: 'k', digest: 'two' }

  describe('requests that come twice', () => {
    it('a request that began a run begins no other, also when the run is long over', async () => {
      const { id, folder } = fresh()
      const asked = newRun({ name: id, folder, key })
      await store().beginRun(asked)
      const again = () => store().beginRun(newRun({ name: id, folder, key }))
      expect(await again()).toEqual({ status: 'repeated', run: asked.id })
      expect(await store().beginRun(newRun({ name: id, folder, key: other }))).toEqual({ status: 'reused' })
      await store().endRun(asked.id, ['{}'], 2)
      expect(await again()).toEqual({ status: 'repeated', run: asked.id })
      expect(await store().addPrompt(newPrompt({ name: id, folder, key }))).toEqual({
        status: 'repeated',
        run: asked.id,
      })
      expect(await allLines(store(), id)).toHaveLength(2)
    })

    it('a request that was queued is not queued again', async () => {
      const { id, folder } = await started(store())
      const prompt = await added(store(), newPrompt({ name: id, folder, key }))
      const repeated = { status: 'repeated', run: prompt.id }
      expect(await store().addPrompt(newPrompt({ name: id, folder, key }))).toEqual(repeated)
      expect(await store().beginRun(newRun({ name: id, folder, key }))).toEqual(repeated)
      expect(await store().requestOf(folder, key)).toEqual(repeated)
      expect(await store().requestOf(folder, other)).toEqual({ status: 'reused' })
      expect(await store().queuedPrompts(folder)).toHaveLength(1)
    })

    it('of many at once, one begins and the others are told which', async () => {
      const { id, folder } = fresh()
      const asked = Array.from({ length: 8 }, () => newRun({ name: id, folder, key }))
      const answers = await Promise.all(asked.map((run) => store().beginRun(run)))
      const begun = answers.flatMap((answer) => (answer.status === 'begun' ? answer.run.id : []))
      expect(begun).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 'repeated')).toHaveLength(7)
    })

    it('what was refused leaves the key as it was', async () => {
      const { id, folder, run } = await started(store())
      expect(await store().beginRun(newRun({ name: id, folder, key }))).toMatchObject({ status: 'busy' })
      expect(await store().addPrompt(newPrompt({ name: id, folder, key, into: run.id }))).toEqual({ status: 'closed' })
      expect(await store().requestOf(folder, key)).toBeUndefined()
    })

    it('a key is its own in each folder', async () => {
      const [left, right] = [fresh(), fresh()]
      for (const { id, folder } of [left, right])
        expect(await store().beginRun(newRun({ name: id, folder, key }))).toMatchObject({ status: 'begun' })
    })

    it('a key that joined a run is remembered with it, the first time', async () => {
      const { folder, run } = await started(store())
      await store().rememberRequest({ folder, key, run: run.id, at: 1 })
      await store().rememberRequest({ folder, key: other, run: fresh().run, at: 1 })
      expect(await store().requestOf(folder, key)).toEqual({ status: 'repeated', run: run.id })
    })

    it('keys are forgotten by their age, a few at a time', async () => {
      const { folder, run } = await started(store())
      const keys = Array.from({ length: 700 }, (_, n) => ({ key: `key ${n}`, digest: 'd' }))
      await Promise.all(keys.map((each) => store().rememberRequest({ folder, key: each, run: run.id, at: -10 })))
      await store().rememberRequest({ folder, key, run: run.id, at: -9 })
      let forgotten = 0
      for (let some = 1; some > 0; forgotten += some) some = await store().forgetRequests(-9)
      expect(forgotten).toBe(700)
      expect(await store().requestOf(folder, { key: 'key 0', digest: 'd' })).toBeUndefined()
      expect(await store().requestOf(folder, key)).toMatchObject({ status: 'repeated' })
    })

    it('the key of a conversation that was deleted is free again', async () => {
      const { id, folder } = fresh()
      const asked = newRun({ name: id, folder, key })
      await store().beginRun(asked)
      await store().endRun(asked.id, ['{}'], 2)
      await store().deleteConversation(id)
      const next = newRun({ name: fresh().id, folder, key: other })
      expect(await store().beginRun(next)).toMatchObject({ status: 'begun' })
      expect(await store().requestOf(folder, other)).toEqual({ status: 'repeated', run: next.id })
    })
  })
}
