import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { wordsOf } from '../../src/core/search/words.ts'

const words = (text: string) => Array.from(wordsOf(text), ({ word }) => word)

it.each([
  ['Fix the login-form, please!', ['fix', 'the', 'login', 'form', 'please']],
  ['src/core/log.ts:12 foo_bar', ['src', 'core', 'log', 'ts', '12', 'foo', 'bar']],
  ['Größe CAFÉ e\u0301te\u0301 Ñandú İstanbul', ['große', 'cafe', 'ete', 'nandu', 'istanbul']],
  ['ｗｉｄｅ ﬁne №', ['wide', 'fine']],
  ['検索する ใน ไทย', ['検', '索', 'す', 'る', 'ใ', 'น', 'ไ', 'ท', 'ย']],
  ['GPT4を使う', ['gpt4', 'を', '使', 'う']],
  ['हिन्दी में', ['हिन्दी', 'में']],
  ['💥 — \u0301 \ud800 …', []],
])('the words of %s', (text, expected) => {
  expect(words(text)).toEqual(expected)
})

it('a word of any length is known by its beginning', () => {
  expect(words('x'.repeat(1000))).toEqual(['x'.repeat(64)])
})

it('Hangul is told apart however it is composed', () => {
  expect(words('한국어')).toEqual(words('한국어'.normalize('NFD')))
})

it('words are letters and digits alone, stand where they say, and one behind the other', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      let last = 0
      for (const { word, start, end } of wordsOf(text)) {
        expect(word).toMatch(/^[0-9a-z\u0080-\uffff]+$/)
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThan(start)
        last = end
      }
      expect(last).toBeLessThanOrEqual(text.length)
    }),
  )
})
