import { describeOptions } from '../../config.ts'
import { Flow } from '../terminal/width.ts'
import { ENDINGS, type Page, type PageOption, PAGES, pagesFor } from './pages.ts'

/** What `claude-proxy … --help` says, in lines of so many columns. Examples stay whole, to be copied. */
export function helpFor(words: readonly string[], columns: number): string {
  const pages = pagesFor(words)
  return pages.length === 0 ? overview(columns) : pages.map((page) => helpOf(page, columns)).join('\n')
}

function helpOf({ name, words, does, options, examples, isTerminal }: Page, columns: number): string {
  const endings = ENDINGS.map(([code, why]) => `${code}: ${why}`).join('; ')
  const more = isTerminal ? `Ends with ${endings}.` : 'Takes the options of the service, too: claude-proxy --help.'
  return [
    broken(`claude-proxy ${[name, ...words].join(' ')}`, 0, columns),
    broken(does, 2, columns),
    '\n',
    ...options.map((option) => broken(flagsOf(option), 2, columns) + broken(meaningOf(option), 6, columns)),
    options.length > 0 ? '\n' : '',
    ...examples.map((example) => `  ${example}\n`),
    '\n',
    broken(more, 0, columns),
  ].join('')
}

function overview(columns: number): string {
  const row = ({ name, words, does }: Page) => rowOf([name, ...words].join(' '), does, columns)
  const options = describeOptions().map(
    ([flag, variable, fallback, does]) =>
      broken(`${flag}, ${variable}${fallback && ` (${fallback})`}`, 2, columns) + broken(does, 6, columns),
  )
  return [
    broken('Runs Claude Code on this machine and streams every run as numbered events.', 0, columns),
    '\n',
    rowOf('[options]', 'runs the service', columns),
    broken('\nAt a service, here or elsewhere:\n', 0, columns),
    ...PAGES.filter(({ isTerminal }) => isTerminal).map(row),
    broken('\nOn the machine that it runs on:\n', 0, columns),
    ...PAGES.filter(({ isTerminal }) => !isTerminal).map(row),
    broken('\nclaude-proxy COMMAND --help says more about each, with examples.\n', 0, columns),
    broken(
      'Options of the service, and the variables that mean the same. --environment FILE reads variables from FILE, if it exists; what is set already wins.\n',
      0,
      columns,
    ),
    ...options,
  ].join('')
}

/** Beside one another where there is room, else below. */
function rowOf(usage: string, does: string, columns: number): string {
  const left = `  claude-proxy ${usage}`
  if (columns < 70 || left.length > 40) return broken(left.trimStart(), 2, columns) + broken(does, 6, columns)
  return `${left.padEnd(41)} ${broken(does, 42, columns).trimStart()}`
}

/** A text in lines that fit, each set in. */
function broken(text: string, indent: number, columns: number): string {
  const flow = new Flow(columns - indent - 1)
  const lines = `${flow.add(text)}${flow.end()}`.split('\n')
  return lines.map((line) => `${line && ' '.repeat(indent)}${line.trimEnd()}\n`).join('')
}

export function flagsOf({ flag, short, takes }: PageOption): string {
  return `${short === undefined ? '' : `-${short}, `}--${flag}${takes === undefined ? '' : ` ${takes}`}`
}

/** What it does, and which values there are, unless they stand behind it already. */
export function meaningOf({ does, choices, takes }: PageOption): string {
  return choices.length === 0 || takes?.includes('|') ? does : `${does} One of ${choices.join(', ')}.`
}
