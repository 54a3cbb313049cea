import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { toLine } from '@claude-proxy/protocol/json'

/** Also half of a surrogate pair, and what is a line end to some. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('\u2028', '\u007f', '\ud800', '👍', '"\\\n'),
)
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
})).value

it('a value comes back from its line unchanged', () => {
  fc.assert(
    fc.property(value, (any) => {
      expect(JSON.stringify(JSON.parse(toLine(any)))).toBe(JSON.stringify(any))
    }),
  )
})

it('a line is printable ASCII', () => {
  fc.assert(
    fc.property(value, (any) => {
      expect(toLine(any)).toMatch(/^[\u0020-\u007e]*$/)
    }),
  )
})

it('a character outside of the first plane is written as two escapes', () => {
  expect(toLine({ a: 'é👍' })).toBe(String.raw`{"a":"\u00e9\ud83d\udc4d"}`)
})
