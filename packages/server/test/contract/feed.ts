import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, feedAfter, fresh, newRun, started, type Told } from './samples.ts'

/** Reading all conversations as one. Other tests write into the same store: each begins at the head. */
export function feed(store: () => Store): void {
  const heard = ({ events }: { events: readonly Told[] }) =>
    events.map(({ conversation, number, line }) => [conversation, number, line])

  describe('feed', () => {
    it('tells the events of all conversations in the order in which they were stored', async () => {
      const before = await store().feedHead()
      const [a, b] = [await started(store()), await started(store())]
      await store().append(a.run.id, ['"a2"', '"a3"'], 2)
      await store().append(b.run.id, ['"b2"'], 2)
      await store().append(a.run.id, ['"a4"'], 2)
      await store().endRun(b.run.id, ['"b3"'], 2)
      expect(heard(await feedAfter(store(), before))).toEqual([
        [a.id, 1, '{"n":1}'],
        [b.id, 1, '{"n":1}'],
        [a.id, 2, '"a2"'],
        [a.id, 3, '"a3"'],
        [b.id, 2, '"b2"'],
        [a.id, 4, '"a4"'],
        [b.id, 3, '"b3"'],
      ])
    })

    it('begins with the oldest event where no place is given', async () => {
      const { id, run } = await started(store())
      await store().append(run.id, ['"last"'], 2)
      const { events } = await feedAfter(store(), undefined)
      expect(events.filter(({ conversation }) => conversation === id).map(({ number }) => number)).toEqual([1, 2])
      expect(events.at(-1)).toMatchObject({ conversation: id, line: '"last"' })
    })

    it('has an end, to which what is stored later is added', async () => {
      const { id, run } = await started(store())
      const head = await store().feedHead()
      expect(await store().feed(head, undefined, 1000)).toEqual({ batches: [], next: head, isLevel: true })
      await store().append(run.id, ['"new"'], 2)
      expect(heard(await feedAfter(store(), head))).toEqual([[id, 2, '"new"']])
      expect(await store().feedHead()).toEqual((await feedAfter(store(), head)).end)
    })

    it('leaves out the conversations that were not asked for', async () => {
      const before = await store().feedHead()
      const all = await Promise.all([1, 2, 3, 4].map(() => started(store())))
      for (let n = 0; n < 20; n++) for (const { run } of all) await store().append(run.id, [`"${n}"`], 2)
      const [a, , c] = all
      if (!a || !c) throw new Error('there are not four conversations')
      const told = await feedAfter(store(), before, [c.id, a.id, fresh().id], 50)
      expect(told.events).toEqual(
        (await feedAfter(store(), before)).events.filter((each) => [a.id, c.id].includes(each.conversation)),
      )
      expect(told.events).toHaveLength(42)
      expect(await store().feed(before, [], 1000)).toMatchObject({ batches: [] })
      expect(await store().feed(before, [fresh().id], 1000)).toMatchObject({ batches: [] })
    })

    it('holds a commit even when that is larger than asked for, and not much more than asked for', async () => {
      const { id, run } = await started(store())
      const before = await store().feedHead()
      const line = JSON.stringify('x'.repeat(1000))
      for (let n = 0; n < 8; n++) await store().append(run.id, Array(100).fill(line), 2)
      const { batches, isLevel } = await store().feed(before, [id], 1)
      expect(batches.map(({ count }) => count)).toEqual([100])
      expect(isLevel).toBe(false)
      const more = await store().feed(before, [id], 250_000)
      expect(more.batches.reduce((sum, { lines }) => sum + lines.length, 0)).toBeLessThanOrEqual(350_000)
    })

    it('has what is imported', async () => {
      const before = await store().feedHead()
      const { id, folder } = fresh()
      const lines = Array.from({ length: 3000 }, (_, n) => JSON.stringify({ n, x: 'x'.repeat(200) }))
      const facts = { group: undefined, sessionId: undefined, createdAt: 1, updatedAt: 1, canonical: true }
      await store().importConversation({ id, folder, cwd: folder, lines, ...facts })
      const empty = fresh()
      await store().importConversation({ id: empty.id, folder: empty.folder, cwd: '/', lines: [], ...facts })
      expect((await feedAfter(store(), before, [id, empty.id])).events.map(({ line }) => line)).toEqual(lines)
    })

    it('has nothing of a deleted conversation, and what comes after it in its place', async () => {
      const kept = await started(store())
      const before = await store().feedHead()
      const gone = await started(store())
      await store().append(kept.run.id, ['"kept"'], 2)
      await store().endRun(gone.run.id, Array(2000).fill('"gone"'), 2)
      const { events, end } = await feedAfter(store(), before)
      expect(await store().deleteConversation(gone.id)).toEqual({ status: 'deleted' })
      expect(heard(await feedAfter(store(), before))).toEqual([[kept.id, 2, '"kept"']])
      const later = await started(store())
      for (const place of [end, ...events.slice(-3).map((each) => each.place)]) {
        expect(await store().feedKnows(place)).toBe(true)
        expect(heard(await feedAfter(store(), place))).toEqual([[later.id, 1, '{"n":1}']])
      }
    })

    it('knows its own places, and no others', async () => {
      const { run } = await started(store())
      await store().append(run.id, ['1', '2', '3'], 2)
      const head = await store().feedHead()
      const { events } = await feedAfter(store(), undefined)
      for (const place of [head, ...events.slice(-4).map((each) => each.place)])
        expect(await store().feedKnows(place), JSON.stringify(place)).toBe(true)
      expect(await store().feedKnows({ ...head, life: 'elsewhere' })).toBe(false)
      expect(await store().feedKnows({ ...head, events: 1 })).toBe(false)
      expect(await store().feedKnows({ ...head, commit: head.commit + 1 })).toBe(false)
      expect(await store().feedKnows({ ...head, commit: Number.MAX_SAFE_INTEGER })).toBe(false)
    })

    const step = fc.record({
      conversation: fc.nat(3),
      sizes: fc.array(fc.oneof(fc.nat(60), fc.constantFrom(5000, 90_000)), { minLength: 1, maxLength: 5 }),
      isAwaited: fc.boolean(),
      endsRun: fc.nat(4).map((n) => n === 0),
    })

    it('goes on after any event: nothing is missing, nothing comes twice, each conversation is in its order', async () => {
      // fast-check prints the seed of a failure
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(300_000), async (steps, bytes) => {
          const before = await store().feedHead()
          const begun = await Promise.all([0, 1, 2, 3].map(() => started(store())))
          const asked: Promise<unknown>[] = []
          for (const { conversation, sizes, isAwaited, endsRun } of steps) {
            const place = begun[conversation]
            if (place === undefined) continue
            const lines = sizes.map((size) => JSON.stringify('x'.repeat(size)))
            const answer = store()[endsRun ? 'endRun' : 'append'](place.run.id, lines, 1)
            asked.push(answer)
            if (isAwaited || endsRun) await answer
            if (!endsRun) continue
            const again = await store().beginRun(newRun({ name: place.id, folder: place.folder }))
            if (again.status === 'begun') place.run = again.run
          }
          await Promise.all(asked)
          const all = await feedAfter(store(), before)
          for (const { id } of begun) expect(numbered(all.events, id)).toEqual(await truth(store(), id))
          const places = [before, ...all.events.map(({ place }) => place)]
          for (const [n, place] of places.entries()) {
            const rest = await feedAfter(store(), place, undefined, bytes)
            expect(rest.events).toEqual(all.events.slice(n))
          }
          for (const { run } of begun) await store().endRun(run.id, ['{}'], 1)
        }),
        { numRuns: 15 },
      )
    })
  })
}

async function truth(store: Store, id: ConversationId): Promise<[number, string][]> {
  return (await allLines(store, id)).map((line, n) => [n + 1, line])
}

function numbered(events: readonly Told[], id: ConversationId): [number, string][] {
  return events.filter(({ conversation }) => conversation === id).map(({ number, line }) => [number, line])
}
