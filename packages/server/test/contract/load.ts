import { describe, expect, it } from 'vitest'
import type { ApprovalId } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { added, fresh, newPrompt, newRun, started } from './samples.ts'

/** How much is under way, and whether more can be kept. */
export function load(store: () => Store): void {
  describe('load', () => {
    it('counts runs, prompts and questions that are open, and forgets them when they are not', async () => {
      const before = await store().load()
      const { id, folder, run } = await started(store())
      const other = await started(store())
      await store().claimRun(run.id)
      const waiting = await added(store(), newPrompt({ name: id, folder }))
      const request = {
        kind: 'tool' as const,
        tool: 'Bash',
        input: {},
        toolUseId: undefined,
        suggestions: [],
        blockedPath: undefined,
        rules: [],
      }
      // Older than all that other tests ask.
      const question = { id: fresh().run as string as ApprovalId, request, askedAt: -7, deadline: undefined }
      await store().append(run.id, ['{}'], 1, [question])
      const { runs, queued, questions } = before
      expect(await store().load()).toEqual({
        runs: { accepted: runs.accepted + 1, running: runs.running + 1 },
        queued: queued + 1,
        questions: questions + 1,
        oldestQuestionAt: -7,
      })

      const settlement = { decision: { behavior: 'allow' as const }, by: 'a phone', at: 2 }
      await store().settleApproval({ id: question.id, state: 'allowed', settlement, line: '{}' })
      await store().changePrompt({ id: waiting.id, input: 'cancel', line: '{}', at: 3 })
      await store().endRun(run.id, ['{}'], 4)
      await store().endRun(other.run.id, ['{}'], 4)
      expect(await store().load()).toEqual(before)
    })

    it('can be asked whether it takes more while it works, and changes nothing by it', async () => {
      const { id, folder } = fresh()
      const [{ freeBytes }, begun] = await Promise.all([
        store().check(),
        store().beginRun(newRun({ name: id, folder })),
      ])
      expect(begun.status).toBe('begun')
      expect(freeBytes === undefined || freeBytes > 0).toBe(true)
      expect((await store().conversation(id))?.head).toBe(1)
    })
  })
}
