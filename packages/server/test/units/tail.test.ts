import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import { createTail } from '../../src/core/log/tail.ts'
import { text as textOf } from '../contract/samples.ts'

/** What just happened, kept for those who read along. */

const id = ConversationId.parse('conversation')

type Step =
  | { readonly do: 'add'; readonly sizes: readonly number[] }
  | { readonly do: 'read'; readonly back: number }
  | { readonly do: 'fill'; readonly back: number }
  | { readonly do: 'rest' }

const size = fc.oneof(fc.nat(20), fc.nat(3000), fc.constantFrom(4095, 4096, 300_000))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('add' as const), sizes: fc.array(size, { minLength: 1, maxLength: 40 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), back: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fill' as const), back: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'rest' as const }) },
)

it('whatever is added and wherever somebody is, what is at hand is what was stored, from there on', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (steps, readers) => {
      const tail = createTail()
      for (let n = 0; n < readers; n++) tail.hold(id, () => {})
      const stored: string[] = []
      const text = (first: number, count: number) =>
        stored
          .slice(first - 1, first - 1 + count)
          .map((line) => `${line}\n`)
          .join('')
      const given: { page: { lines: Uint8Array }; expected: string }[] = []
      for (const each of steps) {
        if (each.do === 'rest') tail.rest(id)
        else if (each.do === 'add') {
          const lines = each.sizes.map((length, n) => `${stored.length + n}`.padEnd(length, 'x'))
          const first = stored.length + 1
          stored.push(...lines)
          tail.add(id, first, lines)
        } else {
          const after = Math.max(0, stored.length - each.back)
          const recent = tail.after(id, after)
          if (recent === 'level') expect(after).toBe(stored.length)
          else if (recent === 'unknown') {
            if (each.do === 'fill') tail.filler(id)(pageOf(after))
          } else {
            expect(recent.first).toBe(after + 1)
            expect(recent.count).toBeGreaterThan(0)
            given.push({ page: recent, expected: text(recent.first, recent.count) })
          }
        }
      }
      // Also later: nothing is written where a reader looks.
      for (const { page, expected } of given) expect(Buffer.from(page.lines).toString('latin1')).toBe(expected)

      function pageOf(after: number) {
        const lines = Buffer.from(text(after + 1, stored.length), 'latin1')
        return { first: after + 1, count: stored.length - after, lines, head: stored.length }
      }
    }),
    { numRuns: 300 },
  )
})

it('all who are at the same place get the very same page, and who is alone keeps none', () => {
  const tail = createTail()
  tail.hold(id, () => {})
  tail.add(id, 1, ['{}', '{}'])
  expect(tail.after(id, 0)).not.toBe(tail.after(id, 0))
  tail.hold(id, () => {})
  const page = tail.after(id, 0)
  expect(page).toMatchObject({ first: 1, count: 2, isShared: true })
  tail.add(id, 3, ['{}'])
  expect(tail.after(id, 2)).toMatchObject({ first: 3, count: 1 })
  expect(tail.after(id, 0)).toBe(page)
})

it('wakes thousands without holding the loop in one piece', async () => {
  const tail = createTail()
  let woken = 0
  for (let n = 0; n < 1200; n++) tail.hold(id, () => woken++)
  tail.wake(id)
  expect(woken).toBeLessThan(1200)
  await expect.poll(() => woken).toBe(1200)
})

it('of a conversation that nobody reads nothing is kept, whatever happens in it', () => {
  const tail = createTail()
  tail.add(id, 1, ['"a"'])
  tail.rest(id)
  tail.wake(id)
  tail.forget(id)
  expect(tail.isEmpty).toBe(true)
  expect([tail.after(id, 0), tail.headOf(id)]).toEqual(['unknown', undefined])
  const stored = { first: 1, count: 1, lines: Buffer.from('"a"\n'), head: 1 }
  expect(tail.filler(id)(stored)).toBe(stored)
})

it('of one that is at rest only its end is known, until something new comes', () => {
  const tail = createTail()
  using _ = tail.hold(id, () => {})
  tail.add(id, 1, ['"a"', '"b"'])
  tail.rest(id)
  expect([tail.after(id, 2), tail.after(id, 0), tail.headOf(id)]).toEqual(['level', 'unknown', 2])
  tail.add(id, 3, ['"c"'])
  const recent = tail.after(id, 2)
  expect(typeof recent === 'object' && textOf(recent)).toBe('"c"\n')
  tail.forget(id)
  expect(tail.after(id, 2)).toBe('unknown')
})
