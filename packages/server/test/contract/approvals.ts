import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApprovalId } from '@claude-proxy/protocol/ids'
import { APPROVAL, type ApprovalInput } from '../../src/core/approvals/machine.ts'
import type { ApprovalState, NewApproval, SettleApproval } from '../../src/core/ports/approval.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, fresh, newRun, started } from './samples.ts'

function question(more: Partial<NewApproval['request']> = {}): NewApproval {
  const request = {
    kind: 'tool' as const,
    tool: 'Bash',
    input: { command: 'touch ä' },
    toolUseId: 'toolu_1',
    suggestions: ['{}'],
    blockedPath: undefined,
    rules: ['Bash(touch ä)'],
    ...more,
  }
  return { id: fresh().run as string as ApprovalId, request, askedAt: 5, deadline: undefined }
}

function allowed(id: ApprovalId, more: Partial<SettleApproval> = {}): SettleApproval {
  return {
    id,
    state: 'allowed',
    settlement: { decision: { behavior: 'allow' }, by: 'a phone', at: 7 },
    line: '{"settled":1}',
    ...more,
  }
}

/** Questions to a person, and the rules that come of them. */
export function approvals(store: () => Store): void {
  describe('approvals', () => {
    it('is stored with the event that asks it, and not at all when the run is over', async () => {
      const { id, run } = await started(store())
      const asked = question()
      await store().append(run.id, ['{"asked":1}'], 5, [asked])
      expect(await store().approval(asked.id)).toEqual({
        ...asked,
        conversation: id,
        run: run.id,
        state: 'pending',
        carried: false,
        settlement: undefined,
      })
      await store().endRun(run.id, ['{}'], 6)
      const late = question()
      expect(await store().append(run.id, ['{"asked":2}'], 7, [late])).toEqual({ status: 'closed' })
      expect(await store().approval(late.id)).toBeUndefined()
    })

    it('an id that is taken is refused, and its event is not stored', async () => {
      const { id, run } = await started(store())
      const asked = question()
      await store().append(run.id, ['{"asked":1}'], 5, [asked])
      await expect(store().append(run.id, ['{"asked":2}'], 6, [question(), asked])).rejects.toThrow(/./)
      expect(await allLines(store(), id)).toHaveLength(2)
      expect(await store().approvals({ conversation: id, limit: 10 })).toHaveLength(1)
    })

    it('is settled once, with the event that says so, whoever else answers at the same time', async () => {
      const { id, run } = await started(store())
      const asked = question()
      await store().append(run.id, ['{"asked":1}'], 5, [asked])
      const answers = await Promise.all([
        store().settleApproval(allowed(asked.id)),
        store().settleApproval(allowed(asked.id, { state: 'denied', line: '{"settled":2}' })),
        store().settleApproval(allowed(asked.id, { line: '{"settled":3}' })),
      ])
      expect(answers.map(({ status }) => status).toSorted()).toEqual(['already', 'already', 'settled'])
      const stored = await store().approval(asked.id)
      for (const answer of answers) if (answer.status !== 'unknown') expect(answer.approval).toEqual(stored)
      expect(await allLines(store(), id)).toHaveLength(3)
      expect(stored).toMatchObject({ settlement: { by: 'a phone', at: 7 } })
    })

    it('goes through its states as the table says, whatever is tried in whatever order', async () => {
      const inputs = Object.keys(APPROVAL.pending) as ApprovalInput[]
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...inputs), { maxLength: 6 }), async (walk) => {
          const { run } = await started(store())
          const asked = question()
          await store().append(run.id, ['{"asked":1}'], 5, [asked])
          let expected: ApprovalState = 'pending'
          for (const input of walk) {
            // What an input would lead to, if the question were still open.
            const state = APPROVAL.pending[input]
            if (state === undefined) throw new Error(`a pending approval takes no ${input}`)
            const { status } = await store().settleApproval(allowed(asked.id, { state }))
            const next: ApprovalState | undefined = APPROVAL[expected][input]
            expect(status).toBe(next === undefined ? 'already' : 'settled')
            expected = next ?? expected
            expect(await store().approval(asked.id)).toMatchObject({ state: expected })
          }
        }),
        { numRuns: 30 },
      )
    })

    it('can be settled after its run is over: the event follows the run', async () => {
      const { id, run } = await started(store())
      const asked = question()
      await store().append(run.id, ['{"asked":1}'], 5, [asked])
      await store().endRun(run.id, ['{"end":1}'], 6)
      expect(await store().settleApproval(allowed(asked.id))).toMatchObject({ status: 'settled', first: 4 })
      expect((await allLines(store(), id)).at(-1)).toBe('{"settled":1}')
      expect(await store().run(run.id)).toMatchObject({ last: 3 })
    })

    it('one that nobody asked is unknown, and nothing is stored', async () => {
      expect(await store().settleApproval(allowed(question().id))).toEqual({ status: 'unknown' })
    })

    it('can be found by conversation and by state, newest last', async () => {
      const { id, run } = await started(store())
      const all = [question(), question(), question()]
      for (const [n, asked] of all.entries()) await store().append(run.id, [`{"asked":${n}}`], 5, [asked])
      const [first, second, third] = all.map((asked) => asked.id)
      await store().settleApproval(allowed(second as ApprovalId))
      const found = async (more: object) =>
        (await store().approvals({ conversation: id, limit: 10, ...more })).map((each) => each.id)
      expect(await found({})).toEqual([first, second, third])
      expect(await found({ isPending: true })).toEqual([first, third])
      expect(await found({ limit: 1 })).toEqual([third])
      // Of all conversations.
      expect(await store().approvals({ limit: 1 })).toMatchObject([{ id: third, conversation: id }])
      expect(await store().approvals({ conversation: fresh().id, limit: 10 })).toEqual([])
    })

    it('what a run that was cut off leaves is carried: what is pending, and answers that the agent may not have had', async () => {
      const { id, run } = await started(store())
      const [pending, had, open] = [
        question(),
        question({ toolUseId: 'toolu_had' }),
        question({ toolUseId: 'toolu_open' }),
      ]
      await store().append(run.id, ['1', '2', '3'], 5, [pending, had, open])
      await store().settleApproval(allowed(had.id))
      await store().settleApproval(allowed(open.id))
      await store().carryApprovals(run.id, ['toolu_open'])
      const carried = async () =>
        (await store().approvals({ conversation: id, isCarried: true, limit: 10 })).map((each) => each.id)
      expect(await carried()).toEqual([pending.id, open.id])
      expect(await Promise.all([store().dropCarried(open.id), store().dropCarried(open.id)])).toEqual([true, false])
      expect(await carried()).toEqual([pending.id])
      expect(await store().dropCarried(had.id)).toBe(false)
    })

    it('a rule is kept with the answer that made it, holds in its conversation or folder, and can be taken back', async () => {
      const { id, folder, run } = await started(store())
      const asked = question()
      await store().append(run.id, ['1'], 5, [asked])
      const [session, project] = [`s-${asked.id}`, `p-${asked.id}`]
      const remember = [
        { id: session, scope: 'session' as const, rule: 'Bash(a)' },
        { id: project, scope: 'project' as const, rule: 'Bash(b)' },
      ]
      await store().settleApproval(allowed(asked.id, { remember }))
      await store().settleApproval(allowed(asked.id, { remember: [{ id: 'x', scope: 'project', rule: 'Bash(c)' }] }))
      const rules = async (where: Parameters<Store['approvalRules']>[0]) =>
        (await store().approvalRules(where)).map(({ rule }) => rule)
      expect((await rules({ conversation: id, folder })).toSorted()).toEqual(['Bash(a)', 'Bash(b)'])
      expect(await rules({ folder })).toEqual(['Bash(b)'])
      expect((await rules({})).filter((rule) => ['Bash(a)', 'Bash(b)'].includes(rule))).toHaveLength(2)
      expect(await rules({ conversation: fresh().id, folder: fresh().folder })).toEqual([])
      expect(await store().approvalRules({ conversation: id })).toEqual([
        { id: session, scope: 'session', rule: 'Bash(a)', conversation: id, folder, approval: asked.id, at: 7 },
      ])
      expect(await store().removeApprovalRule(session)).toBe(true)
      expect(await store().removeApprovalRule(session)).toBe(false)
      expect(await rules({ conversation: id, folder })).toEqual(['Bash(b)'])
    })

    it('goes with its conversation; what was allowed in the folder stays', async () => {
      const { id, folder, run } = await started(store())
      const asked = question()
      await store().append(run.id, ['1'], 5, [asked])
      const rule = { id: `p-${asked.id}`, scope: 'project' as const, rule: 'Bash(b)' }
      await store().settleApproval(
        allowed(asked.id, { remember: [rule, { ...rule, id: `s-${asked.id}`, scope: 'session' }] }),
      )
      await store().endRun(run.id, ['2'], 8)
      await store().deleteConversation(id)
      expect(await store().approval(asked.id)).toBeUndefined()
      expect(await store().settleApproval(allowed(asked.id))).toEqual({ status: 'unknown' })
      expect(await store().approvalRules({ conversation: id, folder })).toMatchObject([{ scope: 'project' }])
      expect(await store().beginRun(newRun({ name: fresh().id, folder }))).toMatchObject({ status: 'begun' })
    })
  })
}
