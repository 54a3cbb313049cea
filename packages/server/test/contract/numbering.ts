import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { allLines, linesOf, newRun, started } from './samples.ts'

/** The property that all the rest is for. */
export function numbering(store: () => Store): void {
  const step = fc.record({
    conversation: fc.nat(3),
    sizes: fc.array(fc.oneof(fc.nat(60), fc.constantFrom(5000, 90_000)), { minLength: 1, maxLength: 5 }),
    isAwaited: fc.boolean(),
    endsRun: fc.nat(9).map((n) => n === 0),
  })
  const look = fc.record({ conversation: fc.nat(3), after: fc.nat(60), bytes: fc.oneof(fc.nat(300), fc.nat(600_000)) })

  it('whatever is appended in whatever order is read back, numbered 1, 2, 3 … in each conversation', async () => {
    // fast-check prints the seed of a failure
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(look, { maxLength: 20 }), async (steps, looks) => {
        const begun = await Promise.all([0, 1, 2, 3].map(() => started(store())))
        const said = begun.map(() => ['{"n":1}'])
        const answers: Promise<unknown>[] = []
        for (const { conversation, sizes, isAwaited, endsRun } of steps) {
          const mine = said[conversation] ?? []
          const place = begun[conversation]
          if (place === undefined) continue
          const lines = sizes.map((size, n) => JSON.stringify({ n: mine.length + n + 1, x: 'x'.repeat(size) }))
          const expected = { status: 'stored', first: mine.length + 1, last: mine.length + lines.length }
          const asked = store()[endsRun ? 'endRun' : 'append'](place.run.id, lines, 1)
          const answer = asked.then((appended) => expect(appended).toEqual(expected))
          mine.push(...lines)
          answers.push(answer)
          if (isAwaited || endsRun) await answer
          if (endsRun) {
            const next = newRun({ name: place.id, folder: place.folder, line: `{"n":${mine.length + 1}}` })
            const again = await store().beginRun(next)
            expect(again).toMatchObject({ status: 'begun', run: { first: mine.length + 1 } })
            mine.push(next.line)
            if (again.status === 'begun') place.run = again.run
          }
        }
        await Promise.all(answers)

        for (const [n, { id, run }] of begun.entries()) {
          const mine = said[n] ?? []
          expect(await store().conversation(id)).toMatchObject({ head: mine.length })
          expect(await allLines(store(), id)).toEqual(mine)
          for (const { after, bytes } of looks.filter(({ conversation }) => conversation === n)) {
            const page = await store().page(id, after, bytes)
            expect(page.first).toBe(after + 1)
            expect(page.count > 0).toBe(after < mine.length)
            expect(linesOf(page)).toEqual(mine.slice(after, after + page.count))
          }
          await store().endRun(run.id, ['{}'], 1)
        }
      }),
      { numRuns: 60 },
    )
  })
}
