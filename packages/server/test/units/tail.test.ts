import { expect, test } from 'vitest'
import { createTail } from '../../src/core/log/tail.ts'
import { fresh, text } from '../contract/samples.ts'

const { id } = fresh()

test('of a conversation that nobody reads nothing is kept, whatever happens in it', () => {
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

test('of one that is at rest only its end is known, until something new comes', () => {
  const tail = createTail()
  using _ = tail.hold(id, () => {})
  tail.add(id, 1, ['"a"', '"b"'])
  tail.rest(id)
  expect([tail.after(id, 2), tail.after(id, 0), tail.headOf(id)]).toEqual(['level', 'unknown', 2])
  tail.add(id, 3, ['"c"'])
  const recent = tail.after(id, 2)
  expect(typeof recent === 'object' && text(recent)).toBe('"c"\n')
  tail.forget(id)
  expect(tail.after(id, 2)).toBe('unknown')
})
