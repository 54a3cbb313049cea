import { describe, expect, it } from 'vitest'
import type { ModelUse, RunEnding } from '../../src/core/ports/account.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { fresh, newRun, started } from './samples.ts'

const use = (model: string, tokens: number, costUsd?: number): ModelUse => ({
  model,
  inputTokens: tokens,
  outputTokens: tokens + 1,
  cacheReadTokens: tokens + 2,
  cacheCreationTokens: tokens + 3,
  costUsd,
})
const ending = (more: Partial<RunEnding> = {}): RunEnding => ({ outcome: 'success', usage: [], facts: {}, ...more })

/** What a conversation's runs have come to. */
export function accounts(store: () => Store): void {
  describe('accounts', () => {
    it('a conversation without a run that has ended has nothing to tell, an unknown one no account', async () => {
      const { id } = await started(store())
      expect(await store().account(id)).toEqual({ runs: 1, usage: [], facts: {} })
      expect(await store().lastError(id)).toBeUndefined()
      expect(await store().account(fresh().id)).toBeUndefined()
      expect(await store().lastError(fresh().id)).toBeUndefined()
    })

    it('adds up what the runs of this conversation used, by model, and no run twice', async () => {
      const { id, folder, run } = await started(store())
      const other = await started(store())
      await store().endRun(other.run.id, ['{}'], 2, ending({ usage: [use('a', 1000, 9)] }))
      await store().endRun(run.id, ['{}'], 2, ending({ usage: [use('b', 10, 0.5), use('a', 20)] }))
      // It has ended: this is not stored.
      await store().endRun(run.id, ['{}'], 3, ending({ usage: [use('a', 500, 1)] }))
      const second = newRun({ name: id, folder })
      await store().beginRun(second)
      await store().endRun(second.id, ['{}'], 4, ending({ usage: [use('a', 1, 0.25)] }))
      expect(await store().account(id)).toMatchObject({
        runs: 2,
        newest: second.id,
        usage: [
          {
            model: 'a',
            inputTokens: 21,
            outputTokens: 23,
            cacheReadTokens: 25,
            cacheCreationTokens: 27,
            costUsd: 0.25,
          },
          use('b', 10, 0.5),
        ],
      })
    })

    it('tells of models by their name, in whatever order they were used', async () => {
      const { id, run } = await started(store())
      const usage = ['b', 'a', 'c', 'd'].map((model) => use(model, 1))
      await store().endRun(run.id, ['{}'], 2, ending({ usage }))
      expect((await store().account(id))?.usage.map(({ model }) => model)).toEqual(['a', 'b', 'c', 'd'])
    })

    it('a cost that nobody knows stays unknown', async () => {
      const { id, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2, ending({ usage: [use('a', 1)] }))
      const [found] = (await store().account(id))?.usage ?? []
      expect(found).toMatchObject({ inputTokens: 1 })
      expect(found?.costUsd).toBeUndefined()
    })

    it('what the agent said of itself last stays, also after a run in which it said nothing', async () => {
      const { id, folder, run } = await started(store())
      const facts = { model: 'a', permissionMode: 'plan', version: '1', contextTokens: 7, effort: null }
      await store().endRun(run.id, ['{}'], 2, ending({ facts }))
      const second = newRun({ name: id, folder })
      await store().beginRun(second)
      expect(await store().account(id)).toMatchObject({ newest: run.id })
      await store().endRun(second.id, ['{}'], 3, ending({ outcome: 'agent_died', error: 'Gone.' }))
      expect(await store().account(id)).toMatchObject({ newest: second.id, facts })
    })

    it('the last error is dated, outlives a run that somebody stopped, and is gone after one that went well', async () => {
      const { id, folder, run } = await started(store())
      const next = async (at: number, of: RunEnding) => {
        const asked = newRun({ name: id, folder })
        await store().beginRun(asked)
        await store().endRun(asked.id, ['{}'], at, of)
        return asked.id
      }
      await store().endRun(run.id, ['{}'], 2, ending({ outcome: 'api_error', error: 'One.' }))
      const failed = await next(5, ending({ outcome: 'agent_died', error: 'Two.' }))
      const error = { run: failed, code: 'agent_died', message: 'Two.', at: 5 }
      expect(await store().lastError(id)).toEqual(error)
      await next(6, ending({ outcome: 'interrupted' }))
      expect(await store().lastError(id)).toEqual(error)
      await next(7, ending())
      expect(await store().lastError(id)).toBeUndefined()
    })

    it('goes with its conversation', async () => {
      const { id, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2, ending({ outcome: 'api_error', error: 'x', usage: [use('a', 1, 1)] }))
      await store().deleteConversation(id)
      expect(await store().account(id)).toBeUndefined()
      expect(await store().lastError(id)).toBeUndefined()
    })
  })
}
