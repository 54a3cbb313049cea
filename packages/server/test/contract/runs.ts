import { describe, expect, it } from 'vitest'
import type { Run } from '../../src/core/ports/run.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { fresh, newRun, started, text } from './samples.ts'

/** Runs, from their beginning to their end. */
export function runs(store: () => Store): void {
  describe('runs', () => {
    it('is read back as it was begun', async () => {
      const { id, folder } = fresh()
      const options = { allowedTools: ['Read'], mcpServers: { a: { command: 'x' } }, maxTurns: 3 }
      const asked = newRun({ name: id, folder, text: 'héllo\n"you" \u{1f600}', options, line: '{"n":1}' })
      const begun = await store().beginRun(asked)
      const run: Run = {
        id: asked.id,
        conversation: id,
        folder,
        state: 'accepted',
        begunBy: 'client',
        text: asked.text,
        options,
        first: 1,
        last: undefined,
      }
      expect(begun).toMatchObject({ status: 'begun', run })
      expect(await store().run(asked.id)).toEqual(run)
      expect(await store().openRun(folder)).toEqual(run)
      expect(await store().openRuns()).toContainEqual(run)
      expect(text(await store().page(id, 0, 1000))).toBe('{"n":1}\n')
    })

    it('a second run in a folder is refused and leaves no trace', async () => {
      const { id, folder, run } = await started(store())
      const second = newRun({ name: fresh().id, folder, group: 'second' })
      expect(await store().beginRun(second)).toEqual({ status: 'busy', run })
      expect(await store().run(second.id)).toBeUndefined()
      expect(await store().resolve(second.name)).toBeUndefined()
      expect(await store().conversation(id)).toMatchObject({ head: 1, group: undefined })
    })

    it('of many runs that begin at once in one folder, exactly one does', async () => {
      const { folder } = fresh()
      const asked = Array.from({ length: 8 }, () => newRun({ name: fresh().id, folder }))
      const answers = await Promise.all(asked.map((run) => store().beginRun(run)))
      const begun = answers.filter(({ status }) => status === 'begun')
      expect(begun).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 'busy')).toHaveLength(7)
      expect(await store().canonical(folder)).toMatchObject({ head: 1 })
    })

    it('is claimed once', async () => {
      const { run } = await started(store())
      const claims = await Promise.all([store().claimRun(run.id), store().claimRun(run.id)])
      expect(claims.filter(Boolean)).toHaveLength(1)
      expect(await store().run(run.id)).toMatchObject({ state: 'running' })
      expect(await store().claimRun(fresh().run)).toBe(false)
    })

    it('ends with its last events, once, and frees its folder', async () => {
      const { id, folder, run } = await started(store())
      await store().claimRun(run.id)
      expect(await store().endRun(run.id, ['{"n":2}', '{"n":3}'], 8)).toEqual({ status: 'stored', first: 2, last: 3 })
      expect(await store().run(run.id)).toEqual({ ...run, state: 'ended', last: 3 })
      expect(await store().openRun(folder)).toBeUndefined()
      expect(await store().openRuns()).not.toContainEqual(expect.objectContaining({ id: run.id }))
      expect(await store().endRun(run.id, ['{"n":4}'], 9)).toEqual({ status: 'closed' })
      expect(await store().append(run.id, ['{"n":4}'], 9)).toEqual({ status: 'closed' })
      expect(await store().claimRun(run.id)).toBe(false)
      expect(await store().conversation(id)).toMatchObject({ head: 3, updatedAt: 8 })
      expect(await store().beginRun(newRun({ name: id, folder }))).toMatchObject({ status: 'begun', run: { first: 4 } })
    })

    it('can end without ever having been claimed', async () => {
      const { run } = await started(store())
      expect(await store().endRun(run.id, ['{}'], 2)).toEqual({ status: 'stored', first: 2, last: 2 })
      expect(await store().run(run.id)).toMatchObject({ state: 'ended', last: 2 })
    })

    it('once interrupted, a run is claimed by nobody; its end and the first reason stay to be told', async () => {
      const { folder, run } = await started(store())
      const halted = { ...run, interruptedBecause: 'One.' }
      expect(await store().interruptRun(run.id, 'One.')).toEqual(halted)
      expect(await store().interruptRun(run.id, 'Two.')).toEqual(halted)
      expect(await store().claimRun(run.id)).toBe(false)
      expect(await store().openRun(folder)).toEqual(halted)
      await store().endRun(run.id, ['{}'], 2)
      expect(await store().run(run.id)).toEqual({ ...halted, state: 'ended', last: 2 })
      expect(await store().interruptRun(run.id, 'Three.')).toBeUndefined()
      expect(await store().interruptRun(fresh().run, 'Four.')).toBeUndefined()
    })

    it('a run that is interrupted while an agent has it goes on until its end', async () => {
      const { run } = await started(store())
      await store().claimRun(run.id)
      expect(await store().interruptRun(run.id, 'One.')).toMatchObject({ state: 'running', interruptedBecause: 'One.' })
      expect(await store().append(run.id, ['{}'], 2)).toMatchObject({ status: 'stored' })
      expect(await store().endRun(run.id, ['{}'], 3)).toMatchObject({ status: 'stored' })
    })

    it('a run that the agent begins stays in its own conversation, also when the folder has another by now', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const next = fresh().id
      await store().activate({ id: next, folder, cwd: folder, at: 3 })
      const begun = await store().beginRun(newRun({ name: id, folder, begunBy: 'agent', text: '' }))
      expect(begun).toMatchObject({ status: 'begun', run: { conversation: id, first: 3, begunBy: 'agent', text: '' } })
      expect(await store().canonical(folder)).toMatchObject({ id: next, head: 0 })
      expect(await store().beginRun(newRun({ name: next, folder }))).toMatchObject({ status: 'busy' })
    })

    it('the agent cannot begin a run in a conversation that does not exist', async () => {
      const { id, folder } = fresh()
      const answer = store().beginRun(newRun({ name: id, folder, begunBy: 'agent' }))
      await expect(answer).rejects.toMatchObject({ code: 'conversation_unknown' })
      expect(await store().canonical(folder)).toBeUndefined()
    })

    it('an id that was used for a run is not used for another', async () => {
      const { run } = await started(store())
      const { id, folder } = fresh()
      await expect(store().beginRun({ ...newRun({ name: id, folder }), id: run.id })).rejects.toThrow()
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().canonical(folder)).toBeUndefined()
      expect(await store().run(run.id)).toEqual(run)
    })
  })
}
