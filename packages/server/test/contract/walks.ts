import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PromptChange } from '../../src/core/ports/prompt.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { PROMPT_TABLE, type PromptInput, type PromptState } from '../../src/core/runs/prompt-machine.ts'
import { phaseOf, RUN_TABLE, type RunInput, type RunPhase } from '../../src/core/runs/run-machine.ts'
import { added, newPrompt, newRun, started } from './samples.ts'

/** Random walks through the tables of states: the store does what they say and nothing else. */
export function walks(store: () => Store): void {
  describe('walks', () => {
    const runInputs = Object.keys(RUN_TABLE.ended) as RunInput[]

    it('a run goes where its table says', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...runInputs), { maxLength: 12 }), async (inputs) => {
          const { id, run } = await started(store())
          let phase: RunPhase = 'accepted'
          let head = 1
          for (const input of inputs) {
            const next: RunPhase | 'refused' = RUN_TABLE[phase][input]
            expect({ input, phase, isDone: await put(run.id, input) }).toEqual({
              input,
              phase,
              isDone: next !== 'refused',
            })
            if (next === 'refused') continue
            phase = next
            if (input === 'append' || input === 'end') head++
            const found = await store().run(run.id)
            expect(found && phaseOf(found)).toBe(phase)
          }
          expect(await store().conversation(id)).toMatchObject({ head })
        }),
        { numRuns: 100 },
      )
    })

    async function put(id: Parameters<Store['claimRun']>[0], input: RunInput): Promise<boolean> {
      if (input === 'claim') return store().claimRun(id)
      if (input === 'interrupt') return (await store().interruptRun(id, 'Because.')) !== undefined
      const appended = await store()[input === 'end' ? 'endRun' : 'append'](id, ['{}'], 1)
      return appended.status === 'stored'
    }

    const promptInputs = Object.keys(PROMPT_TABLE.begun) as PromptInput[]
    const step = fc.record({
      which: fc.nat(3),
      input: fc.constantFrom(...promptInputs),
      place: fc.integer({ min: 1, max: 5 }),
    })

    it('prompts go where their table says, and the queue stays in order', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const { id, folder, run } = await started(store())
          await store().claimRun(run.id)
          let open = run.id
          const asked = Array.from({ length: 4 }, () => newPrompt({ name: id, folder }))
          for (const prompt of asked) await added(store(), prompt)
          const states = new Map<string, PromptState>(asked.map((prompt) => [prompt.id, 'queued']))
          let queue = asked.map((prompt) => prompt.id)
          let head = 5
          for (const { which, input, place } of steps) {
            const prompt = asked[which]
            if (!prompt) continue
            const state = states.get(prompt.id) ?? 'queued'
            const next = PROMPT_TABLE[state][input]
            if (input === 'begin') {
              const begin = { id: prompt.id, text: 'hi', line: '{}', at: 1 }
              if (next !== 'refused') {
                expect(await store().beginPrompt(begin)).toMatchObject({ status: 'busy' })
                await store().endRun(open, ['{}'], 1)
                head++
              }
              const status = next === 'refused' ? 'changed' : 'begun'
              expect({ state, input, status: (await store().beginPrompt(begin)).status }).toEqual({
                state,
                input,
                status,
              })
              if (next !== 'refused') {
                open = prompt.id
                await store().claimRun(open)
              }
            } else {
              const more = { edit: { place }, steer: { into: open } }[input as string]
              const change = { id: prompt.id, input, line: '{}', at: 1, ...more } as PromptChange
              const status = next === 'refused' ? 'refused' : 'changed'
              expect({ state, input, status: (await store().changePrompt(change)).status }).toEqual({
                state,
                input,
                status,
              })
            }
            if (next === 'refused') continue
            head++
            states.set(prompt.id, next)
            queue = nextQueue(queue, prompt.id, input, next, place)
            expect((await store().queuedPrompts(folder)).map((each) => each.id)).toEqual(queue)
            for (const each of asked) expect((await store().prompt(each.id))?.state).toBe(states.get(each.id))
          }
          expect(await store().conversation(id)).toMatchObject({ head })
          expect((await store().openRun(folder))?.id).toBe(open)
          // For whoever lists all folders with a queue.
          for (const each of asked) await store().changePrompt({ id: each.id, input: 'drop', line: '{}', at: 1 })
          await store().endRun(open, ['{}'], 1)
          expect(await store().beginRun(newRun({ name: id, folder }))).toMatchObject({ status: 'begun' })
        }),
        { numRuns: 100 },
      )
    })
  })
}

function nextQueue<Id>(queue: Id[], id: Id, input: PromptInput, next: PromptState, place: number): Id[] {
  const others = queue.filter((each) => each !== id)
  if (next !== 'queued') return others
  if (input === 'missed') return [id, ...others]
  return others.toSpliced(place - 1, 0, id)
}
