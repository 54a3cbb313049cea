import { describe, expect, it } from 'vitest'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { RunEnding } from '../../src/core/ports/account.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { QUARTER_MS, type UsageGroup, type UsagePeriod } from '../../src/core/ports/usage.ts'
import { fresh, newRun, started } from './samples.ts'

const HOUR = 4 * QUARTER_MS
const ALWAYS: readonly UsagePeriod[] = [{ from: 0, to: 1000 * HOUR }]
const LIMIT = 100

function ending(model: string, tokens: number, costUsd?: number, outcome = 'success'): RunEnding {
  const counts = { outputTokens: tokens + 1, cacheReadTokens: tokens + 2, cacheCreationTokens: tokens + 3 }
  return { outcome, usage: [{ model, inputTokens: tokens, ...counts, costUsd }], facts: {} }
}

/** What runs used, for the bill. Other tests end runs, too: each of these asks for a folder or models of its own. */
export function usage(store: () => Store): void {
  describe('usage', () => {
    /** A run that began at `from`, ended at `to`. */
    async function ran(name: { id: ReturnType<typeof fresh>['id']; folder: Folder }, to: number, ended: RunEnding) {
      const run = newRun({ name: name.id, folder: name.folder, isOwn: true, at: to - 1000 })
      expect(await store().beginRun(run)).toMatchObject({ status: 'begun' })
      await store().endRun(run.id, ['{}'], to, ended)
    }

    async function conversation(folder: Folder): Promise<{ id: ReturnType<typeof fresh>['id']; folder: Folder }> {
      const { id } = fresh()
      await store().createConversation({ id, folder, cwd: folder, title: undefined, at: 1 })
      return { id, folder }
    }

    const asked = (by: UsageGroup, folder: Folder, periods = ALWAYS) =>
      store().usage({ by, periods, folder, limit: LIMIT })

    it('adds up what runs came to, each in the period in which it ended, up to the end of that', async () => {
      const { folder } = fresh()
      const talk = await conversation(folder)
      await ran(talk, 2 * HOUR - 1, ending('m', 10, 0.5))
      await ran(talk, 2 * HOUR, ending('m', 20, 0.25, 'api_error'))
      await ran(talk, 3 * HOUR - 1, ending('n', 1, undefined, 'interrupted'))
      await ran(talk, 4 * HOUR, ending('m', 1000, 9))
      const periods = [
        { from: HOUR, to: 2 * HOUR },
        { from: 2 * HOUR, to: 3 * HOUR },
        { from: 3 * HOUR, to: 4 * HOUR },
      ]
      expect(await asked('period', folder, periods)).toEqual([
        {
          key: 0,
          runs: 1,
          succeeded: 1,
          interrupted: 0,
          durationMs: 1000,
          inputTokens: 10,
          outputTokens: 11,
          cacheReadTokens: 12,
          cacheCreationTokens: 13,
          costUsd: 0.5,
        },
        {
          key: 1,
          runs: 2,
          succeeded: 0,
          interrupted: 1,
          durationMs: 2000,
          inputTokens: 21,
          outputTokens: 23,
          cacheReadTokens: 25,
          cacheCreationTokens: 27,
          costUsd: 0.25,
        },
      ])
    })

    it('counts only what was used in some folders and below them, where that is asked for', async () => {
      const { folder } = fresh()
      const below = `${folder}/below` as Folder
      await ran(await conversation(folder), HOUR, ending('m', 1, 1))
      await ran(await conversation(below), HOUR, ending('m', 2, 2))
      await ran(await conversation(`${folder}-not` as Folder), HOUR, ending('m', 4, 4))
      const within = (roots: readonly string[], of?: Folder) =>
        store().usage({ by: 'folder', periods: ALWAYS, folder: of, within: roots, limit: LIMIT })
      expect((await within([folder])).map(({ key }) => key)).toEqual([below, folder])
      expect((await within([below])).map(({ key }) => key)).toEqual([below])
      expect(await within([below], folder)).toEqual([])
    })

    it('tells folders, models and conversations apart, the dearest first, and no more than asked for', async () => {
      const { folder } = fresh()
      const cheap = await conversation(folder)
      const dear = await conversation(folder)
      await ran(cheap, HOUR, ending('small', 5000, 0.1))
      await ran(cheap, HOUR + 1, ending('large', 1, 0.2))
      await ran(dear, HOUR, ending('large', 2, 4))
      expect(await asked('conversation', folder)).toMatchObject([
        { key: dear.id, runs: 1, inputTokens: 2 },
        { key: cheap.id, runs: 2, inputTokens: 5001 },
      ])
      expect(await asked('model', folder)).toMatchObject([
        { key: 'large', runs: 2, inputTokens: 3, costUsd: 4.2, durationMs: 0 },
        { key: 'small', runs: 1, inputTokens: 5000, costUsd: 0.1 },
      ])
      expect(await asked('folder', folder)).toMatchObject([{ key: folder, runs: 3, durationMs: 3000 }])
      expect(await store().usage({ by: 'model', periods: ALWAYS, folder, limit: 1 })).toHaveLength(1)
    })

    it('what cost the same is listed by its name, and what nobody has any more before it', async () => {
      const { folder } = fresh()
      const talks = await Promise.all([1, 2, 3, 4].map(() => conversation(folder)))
      for (const [n, talk] of talks.toReversed().entries()) await ran(talk, HOUR, ending(`m${(n * 3) % 4}`, 1, 1))
      const listed = async (by: UsageGroup) => (await asked(by, folder)).map(({ key }) => key)
      const [first, ...others] = talks.map(({ id }) => id).toSorted()
      expect(await listed('conversation')).toEqual([first, ...others])
      expect(await listed('model')).toEqual(['m0', 'm1', 'm2', 'm3'])
      const [gone, ...left] = others
      if (gone !== undefined) await store().deleteConversation(gone)
      expect(await listed('conversation')).toEqual([undefined, first, ...left])
    })

    it('a run of several models is one run, and one of each', async () => {
      const { folder } = fresh()
      const { usage: both } = { usage: [...ending('a', 1).usage, ...ending('b', 2).usage] }
      await ran(await conversation(folder), HOUR, { outcome: 'success', usage: both, facts: {} })
      expect(await asked('period', folder)).toMatchObject([{ runs: 1, inputTokens: 3, costUsd: undefined }])
      expect((await asked('model', folder)).map(({ key, runs }) => [key, runs])).toEqual([
        ['b', 1],
        ['a', 1],
      ])
    })

    it('a run that used nothing counts as a run', async () => {
      const { folder } = fresh()
      await ran(await conversation(folder), HOUR, { outcome: 'agent_died', usage: [], facts: {} })
      expect(await asked('period', folder)).toMatchObject([{ runs: 1, succeeded: 0, interrupted: 0, inputTokens: 0 }])
      expect(await asked('model', folder)).toEqual([])
    })

    it('stays when conversations are deleted, without saying whose it was', async () => {
      const { folder } = fresh()
      const talks = await Promise.all([conversation(folder), conversation(folder), conversation(folder)])
      for (const talk of talks) await ran(talk, HOUR, ending('m', 100, 1))
      const [gone, left, alsoGone] = talks
      const before = await asked('period', folder)
      for (const { id } of [gone, alsoGone]) expect(await store().deleteConversation(id)).toEqual({ status: 'deleted' })
      expect(await asked('conversation', folder)).toMatchObject([
        { key: undefined, runs: 2, inputTokens: 200, costUsd: 2 },
        { key: left.id, runs: 1, costUsd: 1 },
      ])
      expect(await asked('period', folder)).toEqual(before)
      expect(await asked('model', folder)).toMatchObject([{ key: 'm', runs: 3, inputTokens: 300 }])
    })

    it('a run that goes on is not in it', async () => {
      const { folder } = await started(store())
      expect(await asked('period', folder)).toEqual([])
    })
  })
}
