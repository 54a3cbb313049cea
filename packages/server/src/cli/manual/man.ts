import { describeOptions } from '../../config.ts'
import { flagsOf, meaningOf } from './help.ts'
import { ENDINGS, isCommon, type Page, type PageOption, PAGES } from './pages.ts'

/** The man page, in the macros of man(7). */
export function manPage(): string {
  const [terminal, own] = [PAGES.filter(({ isTerminal }) => isTerminal), PAGES.filter(({ isTerminal }) => !isTerminal)]
  const common = terminal[0]?.options.filter(isCommon) ?? []
  const service = describeOptions().flatMap(([flag, variable, fallback, does]) =>
    item(`${flag}, ${variable}`, `${does}${fallback && ` Default: ${fallback}.`}`),
  )
  return lines(
    `.\\" Written by npm run docs.`,
    '.TH CLAUDE-PROXY 1 "" "Claude Agent SSE Proxy" "User Commands"',
    '.SH NAME',
    text('claude-proxy - runs Claude Code and streams every run as numbered events'),
    '.SH SYNOPSIS',
    '.B claude-proxy',
    text('[options of the service]'),
    '.br',
    '.B claude-proxy',
    text('COMMAND [options] [words]'),
    '.SH DESCRIPTION',
    text(
      'Without a command it runs the service, until a signal ends it. The first group of commands talks to a service, here',
    ),
    text(
      'or elsewhere; the second works with the files of a service on this machine, and takes the options of the service, too.',
    ),
    '.SH COMMANDS FOR A TERMINAL',
    ...terminal.flatMap(section),
    '.SS All of these take',
    ...common.flatMap(option),
    '.SH COMMANDS FOR THE MACHINE OF THE SERVICE',
    ...own.flatMap(section),
    '.SH OPTIONS OF THE SERVICE',
    text('A flag wins over the variable, the variable over the file that --environment FILE names.'),
    ...service,
    '.SH EXIT STATUS',
    text('Of the commands for a terminal:'),
    ...ENDINGS.flatMap(([code, why]) => item(String(code), `${why}.`)),
    text('The others end with 0, or with 1 if they failed.'),
    '.SH ENVIRONMENT',
    ...item('CLAUDE_PROXY_URL', 'Where the service is that the commands for a terminal talk to.'),
    ...item('CLAUDE_PROXY_TOKEN, CLAUDE_PROXY_TOKEN_FILE, CLAUDE_PROXY_SOCKET', 'As the options of the service.'),
    ...item('NODE_EXTRA_CA_CERTS', 'A file with more certificates that a service may show.'),
    ...item('NO_COLOR', 'If it is set, nothing is coloured.'),
    '.SH FILES',
    ...item('~/.local/share/claude-proxy', 'Where everything is kept, unless --data-dir says otherwise.'),
    ...item('/etc/claude-proxy.env', 'The variables of an installed service.'),
    '.SH SEE ALSO',
    '.BR ssh (1)',
  )
}

function section({ name, words, does, options, examples, isTerminal }: Page): string[] {
  const own = options.filter((each) => !isTerminal || !isCommon(each))
  return [
    `.SS claude\\-proxy ${text([name, ...words].join(' '))}`,
    text(`${does.charAt(0).toUpperCase()}${does.slice(1)}.`),
    ...own.flatMap(option),
    '.PP',
    '.nf',
    '.RS',
    ...examples.map(text),
    '.RE',
    '.fi',
  ]
}

function option(each: PageOption): string[] {
  return item(flagsOf(each), meaningOf(each))
}

function item(what: string, does: string): string[] {
  return ['.TP', `.B ${text(what)}`, text(does)]
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

/** As it is: nothing in it is an order to the typesetter, and what is no ASCII is named. */
function text(plain: string): string {
  const safe = plain
    .replaceAll(/[\\'"`^~-]/g, (character) => SPECIAL[character] ?? '')
    .replaceAll(
      /[^ -~]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
  return safe.startsWith('.') ? `\\&${safe}` : safe
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
