import { describeOptions } from '../../config.ts'
import { type Page, type PageOption, PAGES } from './pages.ts'
import { offerFor } from './values.ts'

/** Completions for fish, 3 and later. */
export function fishCompletion(): string {
  const firsts = PAGES.filter(({ name }) => !name.includes(' '))
  const groups = [
    ...new Set(PAGES.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0] ?? '')),
  ]
  const own = [...firsts.filter(({ isTerminal }) => !isTerminal).map(({ name }) => name), ...groups]
  const atService = `__fish_use_subcommand; or __fish_seen_subcommand_from ${own.join(' ')}`
  return [
    '# Completes claude-proxy in fish; `claude-proxy completion fish` writes this.',
    'complete -c claude-proxy -f',
    complete('', '-l help', 'Says more, with examples.'),
    ...firsts.map(({ name, does }) => complete('__fish_use_subcommand', `-a ${quoted(name)}`, does)),
    ...groups.flatMap(groupOf),
    ...PAGES.flatMap(linesOf),
    ...describeOptions().map(([flag, , , does]) => complete(atService, `-l ${flag.slice(2)} -r -F`, does)),
    '',
  ].join('\n')
}

/** A first word that needs a second. */
function groupOf(group: string): string[] {
  const pages = PAGES.filter(({ name }) => name.startsWith(`${group} `))
  const seconds = pages.map(({ name }) => name.slice(group.length + 1))
  const when = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${seconds.join(' ')}`
  return [
    complete('__fish_use_subcommand', `-a ${quoted(group)}`, ''),
    ...pages.map(({ does }, n) => complete(when, `-a ${quoted(seconds[n] ?? '')}`, does)),
  ]
}

function linesOf({ name, words, options }: Page): string[] {
  const when = name
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ')
  const offers = words.map((word) => valueOf(word)).filter((value) => value !== '')
  return [
    ...offers.map((value) => complete(when, value.replace('-x ', ''), '')),
    ...options.map((option) => complete(when, optionOf(option), option.does)),
  ]
}

function optionOf({ flag, short, takes, choices }: PageOption): string {
  const names = `-l ${flag}${short === undefined ? '' : ` -s ${short}`}`
  if (takes === undefined) return names
  return `${names} ${valueOf(takes, choices) || '-x'}`
}

/** What may stand there. An id comes with its title, behind a tab. */
function valueOf(name: string, choices?: readonly string[]): string {
  const offer = offerFor(name, choices?.length ? choices : undefined)
  switch (offer.kind) {
    case 'choices':
      return `-x -a ${quoted(offer.choices.join(' '))}`
    case 'ids':
      return `-x -a '(claude-proxy ls --quiet 2>/dev/null)'`
    case 'approvals':
      return `-x -a '(claude-proxy approve --quiet 2>/dev/null)'`
    case 'folders':
      return `-x -a '(__fish_complete_directories)'`
    case 'files':
      return '-r -F'
    case 'hosts':
      return `-x -a '(__fish_complete_user_at_hosts)'`
    default:
      return ''
  }
}

function complete(when: string, what: string, does: string): string {
  const condition = when === '' ? '' : ` -n ${quoted(when)}`
  return `complete -c claude-proxy${condition} ${what}${does === '' ? '' : ` -d ${quoted(does)}`}`
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
