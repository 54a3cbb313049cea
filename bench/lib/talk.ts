import { promptEvent } from '@claude-proxy/protocol/events'

/** What people and agents might say: words of which few are frequent and many are rare, as in any language. */
export interface Talk {
  /** The line of an event of some dozens of words. Every one says `everywhere`; one of fifty thousand says `seldom`. */
  line(n: number): string
  /** A word that is as frequent as one of an event is on the average. */
  word(): string
}

const SYLLABLES = 'ba con de er fu ing ly men ne o pro qui re s ti un ver wa y za ap li co st'.split(' ')
const WORDS = 30_000
const SELDOM = 50_000

export function startTalk(): Talk {
  let state = 1
  const chance = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x80000000
  const pick = <T>(all: readonly T[], skew: number) => all[Math.floor(all.length * chance() ** skew)] as T
  const made = () => Array.from({ length: 1 + Math.floor(chance() * 4) }, () => pick(SYLLABLES, 1)).join('')
  const words = Array.from({ length: WORDS }, made)
  const word = () => pick(words, 3)
  return {
    word,
    line(n) {
      const said = Array.from({ length: 20 + Math.floor(chance() * 30) }, word)
      if (n % SELDOM === 7) said.push('seldom')
      return JSON.stringify(promptEvent(`${said.join(' ')} everywhere`, '2026-01-01T00:00:00.000Z'))
    },
  }
}
