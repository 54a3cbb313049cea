import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createParser } from '../src/sse.ts'

const parseAll = (pieces: readonly string[]) => {
  const parse = createParser()
  return pieces.flatMap((piece) => parse(piece))
}
const message = { name: '', data: undefined, id: undefined, retry: undefined }

test.each([
  ['an event with an id', 'id: 7\ndata: {"a":1}\n\n', [{ ...message, id: '7', data: '{"a":1}' }]],
  ['a named one', 'event: partial\ndata: x\n\n', [{ ...message, name: 'partial', data: 'x' }]],
  ['several lines of data', 'data: a\ndata\ndata:  b\n\n', [{ ...message, data: 'a\n\n b' }]],
  ['an id alone', ': ping\nid: abc\n\n', [{ ...message, id: 'abc' }]],
  ['when to come back', 'retry: 1500\n\n', [{ ...message, retry: 1500 }]],
  ['what is no number', 'retry: soon\n\n', []],
  ['comments and fields that nobody knows', ': ping\nfoo: bar\n\n', []],
  ['an id that must not be', 'id: a\0b\ndata: x\n\n', [{ ...message, data: 'x' }]],
  ['a block that is not over', 'data: x\n', []],
])('%s', (_, text, messages) => {
  expect(parseAll([text])).toEqual(messages)
})

test('however it is cut, and whatever ends its lines, it is the same', () => {
  const line = fc.oneof(
    fc.constantFrom('', ': ping', 'id: 1', 'data: a:b', 'data', 'event: x', 'retry: 10', 'data:  {"ä":"\u2028"}'),
    fc.string({ maxLength: 8 }).map((text) => text.replaceAll(/[\r\n]/g, '')),
  )
  const property = fc.property(
    fc.array(line),
    fc.constantFrom('\n', '\r\n', '\r'),
    fc.array(fc.nat({ max: 200 })),
    (lines, end, cuts) => {
      const text = lines.map((each) => each + end).join('')
      const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length]
      const pieces = places.slice(1).map((place, n) => text.slice(places[n], place))
      // One more character decides about a CR at the end.
      const whole = parseAll([`${lines.map((each) => `${each}\n`).join('')}:`])
      expect(parseAll([...pieces, ':'])).toEqual(whole)
    },
  )
  fc.assert(property, { numRuns: 500 })
})
