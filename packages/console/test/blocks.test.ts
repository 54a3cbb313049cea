import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { blocksOf } from '../src/blocks.ts'

test.each([
  ['paragraphs', 'One\n\nTwo', ['One\n', 'Two']],
  ['a list whose items stand apart', '- a\n\n  more of a\n\nAfter', ['- a\n\n  more of a\n', 'After']],
  ['code with blank lines', 'x\n\n```js\na\n\nb\n```\n\ny', ['x\n', '```js\na\n\nb\n```\n', 'y']],
  ['code that is not over', '```\na\n\nb', ['```\na\n\nb']],
  ['other marks in code', '~~~\n```\n\na\n~~~\n\nb', ['~~~\n```\n\na\n~~~\n', 'b']],
])('%s are cut where a part is over', (_, text, blocks) => {
  expect(blocksOf(text)).toEqual(blocks)
})

test('nothing is lost, and what is over stays what it is when more is written', () => {
  const line = fc.constantFrom('', 'words', '- a', '  b', '```', '~~~', '# c')
  const property = fc.property(fc.array(line), fc.array(line), (first, more) => {
    const begun = first.join('\n')
    const whole = [...first, ...more].join('\n')
    expect(blocksOf(whole).join('\n')).toBe(whole)
    const over = blocksOf(begun).slice(0, -1)
    expect(blocksOf(whole).slice(0, over.length)).toEqual(over)
  })
  fc.assert(property, { numRuns: 300 })
})
