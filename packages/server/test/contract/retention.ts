import { describe, expect, it } from 'vitest'
import type { ApprovalId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { added, fresh, newPrompt, newRun, started } from './samples.ts'

const LONG_AGO = { activeBefore: 1000, limit: 100_000 }

/** What may be deleted because it is old. Other tests leave conversations behind: each looks for its own. */
export function retention(store: () => Store): void {
  describe('retention', () => {
    /** A conversation beside its folder's. */
    async function conversation(
      at = 1,
      folder: Folder = fresh().folder,
    ): Promise<{ id: ConversationId; folder: Folder }> {
      const { id } = fresh()
      await store().createConversation({ id, folder, cwd: folder, title: 'T', at })
      return { id, folder }
    }

    async function begin({ id, folder }: { id: ConversationId; folder: Folder }, at = 1): Promise<RunId> {
      const run = newRun({ name: id, folder, isOwn: true, at })
      expect(await store().beginRun(run)).toMatchObject({ status: 'begun' })
      return run.id
    }

    const isAtRest = async (id: ConversationId, more = {}) =>
      (await store().atRest({ ...LONG_AGO, ...more })).some((each) => each.id === id)

    it('lists what is at rest, the one first that was active longest ago', async () => {
      const talks = [await conversation(30), await conversation(10), await conversation(20)]
      const [late, early, middle] = talks.map(({ id }) => id)
      const ours = async (more = {}) =>
        (await store().atRest({ ...LONG_AGO, ...more })).filter(({ id }) => talks.some((talk) => talk.id === id))
      expect((await ours()).map(({ id }) => id)).toEqual([early, middle, late])
      expect((await ours({ activeBefore: 20 })).map(({ id }) => id)).toEqual([early])
      await store().changeConversation(talks[2]?.id ?? fresh().id, { isArchived: true })
      expect((await ours({ isArchived: true })).map(({ id }) => id)).toEqual([middle])
      expect(await store().atRest({ ...LONG_AGO, limit: 1 })).toHaveLength(1)
    })

    it("passes over a folder's own conversation, however old it is", async () => {
      const { id, run } = await started(store())
      await store().endRun(run.id, ['{}'], 1)
      expect(await isAtRest(id)).toBe(false)
      expect(await store().pruneConversation(id, 1000)).toBe(false)
      expect(await store().conversation(id)).toBeDefined()
    })

    it('passes over conversations with a run, a prompt that waits, or a question that is open', async () => {
      const talk = await conversation()
      const run = await begin(talk)
      expect(await isAtRest(talk.id)).toBe(false)
      expect(await store().pruneConversation(talk.id, 1000)).toBe(false)
      const waiting = await added(store(), newPrompt({ name: talk.id, folder: talk.folder, isOwn: true }))
      const request = { kind: 'tool', tool: 'Bash', input: {}, suggestions: [], rules: [] } as const
      const open = { toolUseId: undefined, blockedPath: undefined }
      const approval = { id: fresh().run as string as ApprovalId, request: { ...request, ...open }, askedAt: 1 }
      await store().append(run, ['{}'], 1, [{ ...approval, deadline: undefined }])
      await store().endRun(run, ['{}'], 1)
      expect(await isAtRest(talk.id)).toBe(false)
      await store().changePrompt({ id: waiting.id, input: 'cancel', line: '{}', at: 1 })
      expect(await isAtRest(talk.id)).toBe(false)
      expect(await store().pruneConversation(talk.id, 1000)).toBe(false)
      const settlement = { decision: { behavior: 'deny', message: 'no' }, by: 'x', at: 1 } as const
      await store().settleApproval({ id: approval.id, state: 'denied', settlement, line: '{}' })
      expect(await isAtRest(talk.id)).toBe(true)
      expect(await store().pruneConversation(talk.id, 1000)).toBe(true)
      expect(await store().conversation(talk.id)).toBeUndefined()
      expect(await store().pruneConversation(talk.id, 1000)).toBe(false)
    })

    it('does not delete one to which somebody has come back', async () => {
      const talk = await conversation()
      expect(await isAtRest(talk.id)).toBe(true)
      await store().endRun(await begin(talk, 2000), ['{}'], 2000)
      expect(await store().pruneConversation(talk.id, 1000)).toBe(false)
      expect(await store().conversation(talk.id)).toBeDefined()
    })

    it('says what a conversation takes, and what all do', async () => {
      const talk = await conversation()
      const before = await store().footprint()
      const run = await begin(talk)
      const line = JSON.stringify('x'.repeat(500_000))
      await store().endRun(run, [line, '{}'], 1)
      const found = (await store().atRest(LONG_AGO)).find(({ id }) => id === talk.id)
      expect(found).toMatchObject({ folder: talk.folder, activeAt: 1 })
      expect(found?.bytes).toBeGreaterThan(500_000)
      expect(found?.bytes).toBeLessThan(501_000)
      expect((await store().footprint()).bytes - before.bytes).toBeGreaterThan(400_000)
    })
  })
}
