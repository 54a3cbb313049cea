import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApprovalId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { ConversationFilter, ConversationState } from '../../src/core/ports/conversation.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { endOf, fresh, newRun, started } from './samples.ts'

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

    it('can be asked for some of them only', async () => {
      const made = [await create(1), await create(2), await create(3)].map((each) => each?.id as ConversationId)
      const [one, , three] = made
      const among = [one, three, fresh().id] as ConversationId[]
      expect(await ids({ among })).toEqual([three, one])
      expect(await ids({ among: [] })).toEqual([])
    })

    it('is not called by a prompt without words', async () => {
      const { id, folder } = fresh()
      await endOf(store(), newRun({ name: id, folder, text: ' \n\n ' }))
      expect(await store().conversation(id)).toMatchObject({ title: undefined })
      await endOf(store(), newRun({ name: id, folder, text: ' Now \n' }))
      expect(await store().conversation(id)).toMatchObject({ title: 'Now' })
    })

    it('is not called by what an agent went on with', async () => {
      const { folder } = fresh()
      const id = (await create(1, folder))?.id as ConversationId
      await endOf(store(), newRun({ name: id, folder, begunBy: 'agent', text: 'A task has ended.' }))
      expect(await store().conversation(id)).toMatchObject({ title: undefined })
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

    it('has the tags that it was given last, and is found by each of them', async () => {
      const { folder } = fresh()
      const [tag, other] = [`tag ${folder}`, `Другой ${folder}`]
      const tagged = { id: fresh().id, folder, cwd: folder, title: undefined, tags: [other, tag], at: 1 }
      expect(await store().createConversation(tagged)).toMatchObject({ tags: [other, tag] })
      const plain = await create(2, folder)
      expect(await ids({ tag })).toEqual([tagged.id])
      await store().changeConversation(plain?.id as ConversationId, { tags: [tag] })
      expect(await ids({ tag })).toEqual([plain?.id, tagged.id])
      await store().beginRun(newRun({ name: tagged.id, isOwn: true, folder, at: 3 }))
      expect(await ids({ tag })).toEqual([tagged.id, plain?.id])
      expect(await store().changeConversation(tagged.id, { title: 'Tags stay' })).toMatchObject({ tags: [other, tag] })
      expect(await store().changeConversation(tagged.id, { tags: [] })).toMatchObject({ tags: [] })
      expect(await ids({ tag })).toEqual([plain?.id])
      expect(await ids({ tag: other })).toEqual([])
      await store().deleteConversation(plain?.id as ConversationId)
      expect(await ids({ tag })).toEqual([])
    })

    it('waits as long as a question is open, also when its run is gone, and else runs or is idle', async () => {
      const { id, folder, run } = await started(store())
      const is = async (state: ConversationState) => (await ids({ state, folder })).length === 1
      expect([await is('idle'), await is('running'), await is('waiting')]).toEqual([false, true, false])
      await ask(store(), run.id)
      expect([await is('idle'), await is('running'), await is('waiting')]).toEqual([false, false, true])
      await store().endRun(run.id, ['{}'], 3)
      expect(await ids({ state: 'waiting', folder })).toEqual([id])
      const next = await started(store())
      await store().endRun(next.run.id, ['{}'], 3)
      expect(await ids({ state: 'idle', folder: next.folder })).toEqual([next.id])
    })

    it('any mix of filters gives, page by page, just those that fit, none twice, in the order of the whole list', async () => {
      const [folders, tags] = [
        [fresh().folder, fresh().folder, fresh().folder, fresh().folder],
        ['a', 'b'],
      ]
      const all = new Map<ConversationId, { tags: readonly string[]; state: ConversationState }>()
      for (let n = 0; n < 40; n++) {
        const folder = folders[n % 4] ?? fresh().folder
        const made = { id: fresh().id, folder, cwd: folder, title: undefined, at: 1000 + ((n * 7) % 10) }
        const own = tags.filter((_, t) => (n >> (t + 2)) % 2 === 1).map((tag) => `${tag} ${String(folders[0])}`)
        await store().createConversation({ ...made, tags: own })
        if (n % 3 === 0) await store().changeConversation(made.id, { isArchived: true })
        // one in each folder works, one of those waits
        const run = n >= 36 ? newRun({ name: made.id, isOwn: true, folder, at: 1005 }) : undefined
        if (run) await store().beginRun(run)
        if (run && n === 36) await ask(store(), run.id)
        all.set(made.id, { tags: own, state: n === 36 ? 'waiting' : run ? 'running' : 'idle' })
      }
      const whole = (await store().conversations({ limit: 10_000 })).filter(({ id }) => all.has(id))
      expect(whole).toHaveLength(40)
      const filters = fc.record({
        folder: fc.option(fc.constantFrom(...folders), { nil: undefined }),
        tag: fc.option(fc.constantFrom(...tags.map((tag) => `${tag} ${String(folders[0])}`)), { nil: undefined }),
        isArchived: fc.option(fc.boolean(), { nil: undefined }),
        state: fc.option(fc.constantFrom('idle' as const, 'running' as const, 'waiting' as const), { nil: undefined }),
      })
      await fc.assert(
        fc.asyncProperty(filters, fc.integer({ min: 1, max: 9 }), async (filter, limit) => {
          const { folder, tag, isArchived, state } = filter
          const fitting = whole
            .filter((each) => folder === undefined || each.folder === folder)
            .filter((each) => isArchived === undefined || each.isArchived === isArchived)
            .filter(({ id }) => tag === undefined || all.get(id)?.tags.includes(tag))
            .filter(({ id }) => state === undefined || all.get(id)?.state === state)
          const seen: ConversationId[] = []
          for (let before: ConversationFilter['before']; ;) {
            const page = await store().conversations({ ...filter, before, limit })
            seen.push(...page.map(({ id }) => id).filter((id) => all.has(id)))
            before = page.at(-1)
            if (page.length < limit) break
          }
          expect(seen).toEqual(fitting.map(({ id }) => id))
        }),
        { numRuns: 60 },
      )
    })

    it('a page goes on where the one before ended, though that conversation is gone or active again', async () => {
      const { folder } = fresh()
      const made = []
      for (const at of [1, 2, 3, 4]) made.push(await create(at, folder))
      const [one, two, three, four] = made.map((each) => each?.id as ConversationId)
      const [, last] = await store().conversations({ folder, limit: 2 })
      expect(last?.id).toBe(three)
      await store().deleteConversation(three as ConversationId)
      expect(await ids({ folder, before: last })).toEqual([two, one])
      await store().beginRun(newRun({ name: four as ConversationId, isOwn: true, folder, at: 9 }))
      expect(await ids({ folder, before: { id: four as ConversationId, activeAt: 4 } })).toEqual([two, one])
    })

    it('a run of its own id in a conversation that does not exist is refused', async () => {
      const { id, folder } = fresh()
      await expect(store().beginRun(newRun({ name: id, isOwn: true, folder }))).rejects.toMatchObject({
        code: 'conversation_unknown',
      })
    })
  })
}

/** Has a run ask a question that stays open. */
async function ask(store: Store, run: RunId): Promise<void> {
  const request = {
    kind: 'tool' as const,
    tool: 'Bash',
    input: {},
    toolUseId: undefined,
    suggestions: [],
    blockedPath: undefined,
    rules: [],
  }
  const id = fresh().run as string as ApprovalId
  await store.append(run, ['{"asked":1}'], 2, [{ id, request, askedAt: 2, deadline: undefined }])
}
