import { COMMANDS } from '../commands.ts'
import { COMMON, type OptionName, optionOf } from '../terminal/options.ts'
import { EXIT, TERMINAL_COMMANDS } from '../terminal/table.ts'

/** A command, as its help, the man page and the completions of shells tell of it. */
export interface Page {
  /** One word, or two. */
  readonly name: string
  /** What stands behind the name: `ID` has to be there, `[ID]` may, `a|b` is a choice. */
  readonly words: readonly string[]
  readonly does: string
  readonly options: readonly PageOption[]
  readonly examples: readonly string[]
  /** It talks to a service; the others take the options of the service, too. */
  readonly isTerminal: boolean
}

export interface PageOption {
  readonly flag: string
  readonly short: string | undefined
  /** What stands behind it. */
  readonly takes: string | undefined
  readonly choices: readonly string[]
  readonly isRepeated: boolean
  readonly does: string
}

/** All commands: those that talk to a service, then those of the machine that it runs on. */
export const PAGES: readonly Page[] = [...terminalPages(), ...ownPages()]

/** The codes that the commands for a terminal end with, and why. */
export const ENDINGS: readonly (readonly [code: number, why: string])[] = [
  [EXIT.ok, 'it went well'],
  [EXIT.failed, 'it failed, or nothing was found'],
  [EXIT.usage, 'it was called in a way that cannot be'],
  [EXIT.unreachable, 'no service answers there'],
  [EXIT.detached, 'the run goes on without you'],
  [EXIT.interrupted, 'the run was interrupted with Ctrl-C'],
]

/** The options that every command for a terminal takes, or those of a command alone. */
export function isCommon({ flag }: PageOption): boolean {
  return (COMMON as readonly string[]).includes(flag)
}

/** The commands that these words begin with, most exact last: `token create` is one of `token`. */
export function pagesFor(words: readonly string[]): readonly Page[] {
  const exact = PAGES.filter(({ name }) => name.split(' ').every((word, n) => words[n] === word))
  return exact.length > 0 ? exact : PAGES.filter(({ name }) => name.split(' ')[0] === words[0])
}

function terminalPages(): Page[] {
  return Object.entries(TERMINAL_COMMANDS).map(([name, { words, does, options, examples }]) => ({
    name,
    words,
    does,
    options: options.map(pageOption),
    examples,
    isTerminal: true,
  }))
}

function pageOption(flag: OptionName): PageOption {
  const { value: takes, short, choices = [], isRepeated = false, does } = optionOf(flag)
  return { flag, short, takes, choices, isRepeated, does }
}

function ownPages(): Page[] {
  return Object.entries(COMMANDS).map(([name, { words = [], optional, does, options = {}, examples }]) => ({
    name,
    words: [...words, ...(optional === undefined ? [] : [`[${optional}]`])],
    does,
    options: Object.entries(options).map(([flag, option]) => ({
      flag,
      short: undefined,
      takes: option.takes,
      choices: choicesIn(option.takes),
      isRepeated: false,
      does: sentence(option.does),
    })),
    examples,
    isTerminal: false,
  }))
}

/** What may stand where `text` does: `a|b` is one of two. */
export function choicesIn(text = ''): readonly string[] {
  return text.includes('|') && /^[a-z|]+$/.test(text) ? text.split('|') : []
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
