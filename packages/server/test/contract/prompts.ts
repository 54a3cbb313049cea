import { describe, expect, it } from 'vitest'
import type { RunId } from '@claude-proxy/protocol/ids'
import type { Prompt, PromptChange } from '../../src/core/ports/prompt.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { MOST_QUEUED, type PromptInput } from '../../src/core/runs/prompt-machine.ts'
import { added, allLines, fresh, newPrompt, newRun, started } from './samples.ts'

/** Prompts that came while their folder was busy. */
export function prompts(store: () => Store): void {
  /** A busy folder with `count` prompts that wait. */
  async function waiting(count: number) {
    const begun = await started(store())
    const texts = Array.from({ length: count }, (_, n) => `prompt ${n + 1}`)
    const queued: Prompt[] = []
    for (const text of texts)
      queued.push(await added(store(), newPrompt({ name: begun.id, folder: begun.folder, text })))
    return { ...begun, queued, texts: async () => textsOf(await store().queuedPrompts(begun.folder)) }
  }

  const change = (of: { id: RunId; input: PromptInput; place?: number; text?: string; into?: RunId }) =>
    store().changePrompt({ line: '{"changed":1}', at: 5, ...of } as PromptChange)

  describe('prompts that wait', () => {
    it('is read back as it was queued, and its event is stored with it', async () => {
      const { id, folder } = await started(store())
      const asked = newPrompt({ name: id, folder, text: 'héllo', options: { maxTurns: 2 }, line: '{"q":1}', at: 7 })
      const prompt: Prompt = {
        id: asked.id,
        conversation: id,
        folder,
        state: 'queued',
        text: 'héllo',
        options: { maxTurns: 2 },
        first: 2,
        last: undefined,
        into: undefined,
        at: 7,
      }
      expect(await store().addPrompt(asked)).toMatchObject({ status: 'added', prompt, conversation: { head: 2 } })
      expect(await store().prompt(asked.id)).toEqual(prompt)
      expect(await store().queuedPrompts(folder)).toEqual([prompt])
      expect(await store().queuedFolders()).toContain(folder)
      expect(await allLines(store(), id)).toEqual(['{"n":1}', '{"q":1}'])
      expect(await store().run(asked.id)).toBeUndefined()
    })

    it('a name leads where it leads for a run', async () => {
      const { id, folder } = await started(store())
      const other = fresh()
      expect(await added(store(), newPrompt({ name: other.id, folder }))).toMatchObject({ conversation: id })
      expect(await store().resolve(other.id)).toMatchObject({ conversation: { id }, isOwn: false })
      const wrong = newPrompt({ name: id, folder: other.folder })
      expect(await store().addPrompt(wrong)).toEqual({ status: 'elsewhere', folder })
      expect(await store().prompt(wrong.id)).toBeUndefined()
      const mine = fresh()
      await added(store(), newPrompt({ name: mine.id, folder: mine.folder }))
      expect(await store().canonical(mine.folder)).toMatchObject({ id: mine.id, head: 1 })
    })

    it('are served in the order of their arrival, but for one that is to be first', async () => {
      const { id, folder, texts } = await waiting(2)
      await added(store(), newPrompt({ name: id, folder, text: 'urgent', isFirst: true }))
      expect(await texts()).toEqual(['urgent', 'prompt 1', 'prompt 2'])
    })

    it('are moved among those of their conversation only', async () => {
      const { id, folder, run, queued, texts } = await waiting(2)
      await store().endRun(run.id, ['{}'], 2)
      const other = fresh().id
      await store().activate({ id: other, folder, cwd: folder, at: 3 })
      await added(store(), newPrompt({ name: other, folder, text: 'other' }))
      await store().activate({ id, folder, cwd: folder, at: 3 })
      const third = await added(store(), newPrompt({ name: id, folder, text: 'prompt 3' }))
      expect(await texts()).toEqual(['prompt 1', 'prompt 2', 'other', 'prompt 3'])
      expect(await change({ id: third.id, input: 'edit', place: 1 })).toMatchObject({ status: 'changed' })
      expect(await texts()).toEqual(['prompt 3', 'prompt 1', 'other', 'prompt 2'])
      await change({ id: third.id, input: 'edit', place: 99, text: 'PROMPT 3' })
      expect(await texts()).toEqual(['prompt 1', 'prompt 2', 'other', 'PROMPT 3'])
      expect(queued.every(({ conversation }) => conversation === id)).toBe(true)
    })

    it('one that is taken back leaves the queue and says with which event', async () => {
      const { id, queued, texts } = await waiting(2)
      const [first] = queued
      if (!first) throw new Error('no prompt')
      const outcome = await change({ id: first.id, input: 'cancel' })
      expect(outcome).toEqual({ status: 'changed', prompt: { ...first, state: 'cancelled', last: 4 }, number: 4 })
      expect(await texts()).toEqual(['prompt 2'])
      expect(await allLines(store(), id)).toHaveLength(4)
      expect(await change({ id: first.id, input: 'cancel' })).toMatchObject({ status: 'refused' })
      expect(await allLines(store(), id)).toHaveLength(4)
      expect(await change({ id: fresh().run, input: 'cancel' })).toEqual({ status: 'unknown' })
    })

    it('becomes a run under its own id, once the folder is free, and not if its text has changed meanwhile', async () => {
      const { id, folder, run, queued, texts } = await waiting(2)
      const [first] = queued
      if (!first) throw new Error('no prompt')
      const begin = { id: first.id, text: first.text, line: '{"begun":1}', at: 9 }
      expect(await store().beginPrompt(begin)).toEqual({ status: 'busy', run })
      await store().endRun(run.id, ['{}'], 8)
      expect(await store().beginPrompt({ ...begin, text: 'older words' })).toEqual({ status: 'changed' })
      expect(await store().beginPrompt(begin)).toMatchObject({
        status: 'begun',
        run: {
          id: first.id,
          conversation: id,
          folder,
          state: 'accepted',
          begunBy: 'client',
          text: first.text,
          first: 5,
        },
        conversation: { head: 5 },
      })
      expect(await store().prompt(first.id)).toMatchObject({ state: 'begun', last: undefined })
      expect(await store().openRun(folder)).toMatchObject({ id: first.id })
      expect(await store().beginPrompt(begin)).toEqual({ status: 'changed' })
      expect(await texts()).toEqual(['prompt 2'])
    })

    it('nobody who comes later goes first, in the moment in which the folder is free', async () => {
      const { id, folder, run } = await waiting(1)
      await store().endRun(run.id, ['{}'], 2)
      const late = newRun({ name: id, folder })
      expect(await store().beginRun(late)).toEqual({ status: 'waiting' })
      expect(await store().run(late.id)).toBeUndefined()
      // What the agent has begun already cannot wait.
      expect(await store().beginRun(newRun({ name: id, folder, begunBy: 'agent' }))).toMatchObject({ status: 'begun' })
    })

    it('is steered only into a run of its conversation that an agent has and nobody stops', async () => {
      const { id, folder, run, queued } = await waiting(1)
      const [prompt] = queued
      if (!prompt) throw new Error('no prompt')
      const steer = () => change({ id: prompt.id, input: 'steer', into: run.id })
      const add = () => store().addPrompt(newPrompt({ name: id, folder, into: run.id }))
      expect(await steer()).toEqual({ status: 'refused', prompt })
      expect(await add()).toEqual({ status: 'closed' })
      await store().claimRun(run.id)
      expect(await steer()).toMatchObject({ status: 'changed', prompt: { state: 'steering', into: run.id } })
      const second = await added(store(), newPrompt({ name: id, folder, into: run.id }))
      expect(second).toMatchObject({ state: 'steering', into: run.id })
      expect((await store().steeringPrompts(run.id)).map((each) => each.id)).toEqual([prompt.id, second.id])
      expect((await store().steeringPrompts()).map((each) => each.id)).toContain(second.id)
      expect(await store().queuedPrompts(folder)).toEqual([])
      await store().interruptRun(run.id, 'Stop.')
      expect(await add()).toEqual({ status: 'closed' })
      expect(await change({ id: second.id, input: 'missed' })).toMatchObject({ prompt: { state: 'queued' } })
      expect(await change({ id: prompt.id, input: 'missed' })).toMatchObject({ prompt: { state: 'queued' } })
      expect((await store().queuedPrompts(folder)).map((each) => each.id)).toEqual([prompt.id, second.id])
      expect(await steer()).toMatchObject({ status: 'refused' })
    })

    it('is steered into the run of its own conversation also where the folder has none that it stands for', async () => {
      const { id, folder, run } = fresh()
      await store().createConversation({ id, folder, cwd: folder, title: undefined, at: 1 })
      await store().beginRun(newRun({ id: run, name: id, isOwn: true, folder }))
      await store().claimRun(run)
      const steering = newPrompt({ name: id, isOwn: true, folder, into: run })
      expect(await store().addPrompt(steering)).toMatchObject({ status: 'added', prompt: { state: 'steering' } })
    })

    it('of very many, the last are refused', async () => {
      const { id, folder } = await started(store())
      const asked = Array.from({ length: MOST_QUEUED + 2 }, () => newPrompt({ name: id, folder }))
      const answers = await Promise.all(asked.map((prompt) => store().addPrompt(prompt)))
      expect(answers.filter(({ status }) => status === 'full')).toHaveLength(2)
      expect(await store().conversation(id)).toMatchObject({ head: MOST_QUEUED + 1 })
    })

    it('go with their conversation when that is deleted', async () => {
      const { id, folder, run, queued } = await waiting(2)
      await store().endRun(run.id, ['{}'], 2)
      expect(await store().deleteConversation(id)).toEqual({ status: 'deleted' })
      expect(await store().queuedPrompts(folder)).toEqual([])
      expect(await store().queuedFolders()).not.toContain(folder)
      for (const prompt of queued) expect(await store().prompt(prompt.id)).toBeUndefined()
      const next = newRun({ name: fresh().id, folder })
      expect(await store().beginRun(next)).toMatchObject({ status: 'begun' })
    })
  })
}

function textsOf(list: readonly Prompt[]): string[] {
  return list.map(({ text }) => text)
}
