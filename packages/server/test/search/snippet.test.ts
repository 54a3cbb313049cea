import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseQuery } from '../../src/core/search/query.ts'
import { wordsOf } from '../../src/core/search/words.ts'
import { snippet } from '../../src/core/search/snippet.ts'

const cut = (query: string, text: string) => {
  const piece = snippet(parseQuery(query), text)
  return piece && { text: piece.text, marked: piece.ranges.map(([from, to]) => piece.text.slice(from, to)) }
}

it('a short text is there as a whole, with all that was looked for marked as it stands there', () => {
  expect(cut('cafe for*', 'A Café — for the form')).toEqual({
    text: 'A Café — for the form',
    marked: ['Café', 'for', 'form'],
  })
})

it('of a long one there is the piece around the first hit, from a word to a word', () => {
  const piece = cut('needle', `${'hay stack '.repeat(100)}the needle here ${'and more '.repeat(100)}`)
  expect(piece?.marked).toEqual(['needle'])
  expect(piece?.text).toMatch(/^(hay|stack) .*the needle here and .*(and|more)$/)
  expect(piece?.text.length).toBeLessThanOrEqual(200)
})

it('a word that is longer than a piece may be is there with its beginning, marked to where it is cut', () => {
  const piece = cut('needle*', `needle${'x'.repeat(300)} hay`)
  expect(piece).toEqual({ text: `needle${'x'.repeat(194)}`, marked: [`needle${'x'.repeat(194)}`] })
})

it('there is none of a text that is not found', () => {
  expect(cut('needle', 'hay')).toBeUndefined()
})

it('whatever the text, a snippet is a short piece of it, and its ranges lie in it', () => {
  const text = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('needle', ' ', 'x'.repeat(300))))
  fc.assert(
    fc.property(text, (parts) => {
      const whole = `${parts.join('')} needle`
      const piece = snippet(parseQuery('needle'), whole)
      expect(piece?.ranges.length).toBeGreaterThan(0)
      expect(piece?.text.length).toBeLessThanOrEqual(300)
      for (const [from, to] of piece?.ranges ?? [])
        // marks may cling to it
        expect(Array.from(wordsOf(piece?.text.slice(from, to) ?? ''), ({ word }) => word)).toEqual(['needle'])
    }),
  )
})
