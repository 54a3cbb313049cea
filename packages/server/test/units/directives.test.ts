import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDirectives } from '../../src/agents/scripted/directives.ts'

const plain = { do: 'load', count: 1000, rate: 200, size: 300, burst: 1, delay: 0 }

it('a prompt without directives is repeated, and the agent says what it is', () => {
  expect(parseDirectives('Hello @alice')).toEqual([
    { do: 'say', text: 'I am a scripted agent, not a model. You said: Hello @alice' },
  ])
})

it('a load without settings has the usual ones', () => {
  expect(parseDirectives('@load')).toEqual([plain])
})

it('settings come in any order, and unknown ones are passed over', () => {
  expect(parseDirectives('@load size=10 color=red n=5 burst=2 delay=7 rate=0')).toEqual([
    { do: 'load', count: 5, rate: 0, size: 10, burst: 2, delay: 7 },
  ])
})

it('settings have bounds, and a burst is at least one', () => {
  expect(parseDirectives('@load n=99999999999 rate=99999999 size=99999999 burst=0 delay=99999999')).toEqual([
    { do: 'load', count: 10_000_000, rate: 1_000_000, size: 1_000_000, burst: 1, delay: 3_600_000 },
  ])
})

it('a draft is a text in pieces, each of at least one character', () => {
  expect(parseDirectives('@draft')).toEqual([{ do: 'draft', size: 300, chunk: 20, every: 20 }])
  expect(parseDirectives('@draft every=5 size=99999999 chunk=0')).toEqual([
    { do: 'draft', size: 1_000_000, chunk: 1, every: 5 },
  ])
})

it('directives are obeyed in their order, on one line or many, each with its own settings', () => {
  expect(parseDirectives('First @load n=1 then @ask tool=Write\nand @load n=2\n@fail')).toEqual([
    { ...plain, count: 1 },
    { do: 'ask', tool: 'Write' },
    { ...plain, count: 2 },
    { do: 'fail' },
  ])
})

it.each(['hang', 'die', 'fail'])('@%s', (name) => {
  expect(parseDirectives(`@${name}`)).toEqual([{ do: name }])
})

it('a question is about Bash when no tool is named', () => {
  expect(parseDirectives('@ask')).toEqual([{ do: 'ask', tool: 'Bash' }])
})

it('a word that only begins like a directive is none', () => {
  expect(parseDirectives('@loaded @asking')).toMatchObject([{ do: 'say' }])
})

it('any prompt at all comes to something to do', () => {
  fc.assert(
    fc.property(fc.string(), (prompt) => {
      expect(parseDirectives(prompt).length).toBeGreaterThan(0)
    }),
  )
})
