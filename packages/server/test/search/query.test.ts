import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { AppError } from '@claude-proxy/protocol/errors'
import { marked, parseQuery } from '../../src/core/search/query.ts'
import { wordsOf } from '../../src/core/search/words.ts'

const said = (text: string) => parseQuery(text).map(({ words, isPrefix }) => `${words.join(' ')}${isPrefix ? '*' : ''}`)
const finds = (query: string, text: string) => marked(parseQuery(query), [...wordsOf(text)]).map(({ word }) => word)

it.each([
  ['Login form', ['login', 'form']],
  ['"login form" bug', ['login form', 'bug']],
  ['conf* "the conf"*', ['conf*', 'the conf*']],
  ['foo-bar src/log.ts', ['foo bar', 'src log ts']],
  ['a AND b OR NOT NEAR(c d, 5)', ['a', 'and', 'b', 'or', 'not', 'near c', 'd', '5']],
  ['words:x ^first +must -not {a b}: c', ['words x', 'first', 'must', 'not', 'a', 'b', 'c']],
  ['login+form "src+log"', ['login', 'form', 'src log']],
  ['"never closed', ['never closed']],
  ['say"loud"now', ['say', 'loud', 'now']],
  ['検索', ['検 索']],
  ['検*', ['検']],
  ["it's 'quoted'; DROP TABLE event; --", ['it s', 'quoted', 'drop', 'table', 'event']],
])('%s is understood as %j', (text, expected) => {
  expect(said(text)).toEqual(expected)
})

it.each([
  '',
  ' ',
  '""',
  '*',
  '"',
  '💥',
  '\ud800',
  '-- ^ * ()',
  'ab*',
  'a*',
  '"the ab"*',
  'word '.repeat(17),
  `"${'a '.repeat(65)}"`,
])('%j is refused with a sentence', (text) => {
  expect(() => parseQuery(text)).toThrow(AppError)
})

it('whatever is typed is understood or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
      try {
        expect(parseQuery(text).length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad_request' })
      }
    }),
  )
})

it.each([
  ['form', 'The login form', ['form']],
  ['form login', 'The login form', ['login', 'form']],
  ['"form login"', 'The login form', []],
  ['"login form"', 'The login-form', ['login', 'form']],
  ['log*', 'The login log', ['login', 'log']],
  ['form missing', 'The login form', []],
  ['"a a"', 'a a a', ['a', 'a', 'a']],
  ['"form x"', 'login form', []],
])('%s marks in %s: %j', (query, text, expected) => {
  expect(finds(query, text)).toEqual(expected)
})
