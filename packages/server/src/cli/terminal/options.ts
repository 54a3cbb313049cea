import { parseArgs } from 'node:util'
import { ConfigError } from '../../config.ts'

interface TerminalOption {
  /** What stands behind the flag; a flag without it is yes or no. */
  readonly value?: string
  readonly choices?: readonly string[]
  readonly isRepeated?: true
  readonly short?: string
  readonly does: string
}

/** Every option of the commands that talk to the service, by its flag: reading them and the manual come from here. */
export const TERMINAL_OPTIONS = {
  url: { value: 'URL', does: 'Where the service is; else CLAUDE_PROXY_URL, else the configured port of this machine.' },
  socket: { value: 'PATH', does: 'The Unix socket of the service, instead of a URL; else CLAUDE_PROXY_SOCKET.' },
  token: { value: 'TOKEN', does: 'The token of the service; better in CLAUDE_PROXY_TOKEN or CLAUDE_PROXY_TOKEN_FILE.' },
  host: { value: 'USER@SERVER', does: 'Goes through an ssh tunnel of its own to the service on that machine.' },
  json: { does: 'JSON for programs: a line for each event, or for what is listed.' },
  quiet: { short: 'q', does: 'Only the result; of a list, ids and titles with a tab between.' },
  conversation: { value: 'ID', short: 'c', does: 'The conversation to go on with.' },
  continue: { does: "Goes on with the folder's latest conversation." },
  title: { value: 'TEXT', does: 'What a new conversation is called.' },
  model: { value: 'MODEL', short: 'm', does: 'The model.' },
  effort: {
    value: 'EFFORT',
    choices: ['low', 'medium', 'high', 'xhigh', 'max'],
    does: 'How much the model is to make of it.',
  },
  'permission-mode': {
    value: 'MODE',
    choices: ['default', 'acceptEdits', 'plan', 'dontAsk', 'auto', 'bypassPermissions'],
    does: 'What the agent may do unasked.',
  },
  allow: { value: 'TOOL', isRepeated: true, does: 'A tool that needs no question, such as Read or "Bash(npm test)".' },
  file: { value: 'FILE', isRepeated: true, does: 'Comes with the prompt: an image, a PDF or a text.' },
  'when-busy': {
    value: 'WHAT',
    choices: ['reject', 'queue', 'steer', 'interrupt'],
    does: 'What becomes of the prompt while the folder is busy (queue).',
  },
  cwd: { value: 'DIR', short: 'C', does: 'The folder, as the machine of the service calls it; else the current one.' },
  follow: { short: 'f', does: 'Goes on with what comes, until Ctrl-C.' },
  lines: { value: 'N', short: 'n', does: 'The last N events; else all.' },
  all: { short: 'a', does: 'All of them.' },
  limit: { value: 'N', does: 'At most so many.' },
  format: {
    value: 'FORMAT',
    choices: ['ndjson', 'md', 'html', 'json'],
    does: 'Events as they are (ndjson), or a document to read.',
  },
  'data-dir': { value: 'DIR', does: 'From what is kept there, whether or not a service runs.' },
  always: { does: 'Also from now on, in this folder.' },
  deny: { does: 'Says no.' },
  message: { value: 'TEXT', does: 'A reason for the agent.' },
} as const satisfies Record<string, TerminalOption>

export type OptionName = keyof typeof TERMINAL_OPTIONS

/** What was said on the command line, by flag. */
export interface Said {
  readonly words: readonly string[]
  text(name: OptionName): string | undefined
  texts(name: OptionName): readonly string[]
  is(name: OptionName): boolean
}

/** Every command that talks to the service takes these. */
export const COMMON: readonly OptionName[] = ['url', 'socket', 'token', 'host']

export function optionOf(name: OptionName): TerminalOption {
  return TERMINAL_OPTIONS[name]
}

/** Reads the arguments of a command that takes these options. Throws `ConfigError` for anything else. */
export function readSaid(args: readonly string[], names: readonly OptionName[]): Said {
  const options = Object.fromEntries(
    names.map((name) => {
      const { value, short, isRepeated = false } = optionOf(name)
      return [name, { type: value ? 'string' : 'boolean', multiple: isRepeated, ...(short && { short }) } as const]
    }),
  )
  const { values, positionals } = parse(args, options)
  for (const name of names) {
    const { choices } = optionOf(name)
    const value = values[name]
    if (choices && typeof value === 'string' && !choices.includes(value))
      throw new ConfigError(`--${name}=${value} cannot be used: it has to be one of ${choices.join(', ')}.`)
  }
  return {
    words: positionals,
    text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    texts: (name) => [values[name] ?? []].flat().filter((each) => typeof each === 'string'),
    is: (name) => values[name] === true,
  }
}

/** A number that was said, or undefined. */
export function numberOf(said: Said, name: OptionName): number | undefined {
  const text = said.text(name)
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ConfigError(`--${name} has to be a whole number from 1.`)
  return Number(text)
}

function parse(args: readonly string[], options: NonNullable<Parameters<typeof parseArgs>[0]>['options'] & object) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
