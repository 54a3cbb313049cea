import { isIP } from 'node:net'
import { availableParallelism, homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** One option of the service: where it may be set, what it means, and how its text is read. */
interface Option<T> {
  readonly flag: string
  readonly variable: string
  readonly fallback: T
  /** How the default reads in the docs, where it depends on the machine. */
  readonly fallbackText?: string
  readonly does: string
  readonly read: (text: string) => T
}

const GIB = 1024 ** 3

/** Every option in one table: flags, environment, `--help` and the README come from here. */
export const OPTIONS = {
  host: option(
    'host',
    '127.0.0.1',
    'Address to listen on. Any other than loopback needs a token. none: only --socket.',
    plainText,
  ),
  port: option('port', 8787, 'Port to listen on; 0 takes a free one.', whole(0, 65_535)),
  socket: option(
    'socket',
    '',
    'Path of a Unix socket to listen on as well, for nobody but the user of the service.',
    plainText,
  ),
  tlsCert: option(
    'tls-cert',
    '',
    'Certificate with its chain, in PEM: the port then speaks TLS. Read again when it changes.',
    plainText,
  ),
  tlsKey: option('tls-key', '', 'The key of the certificate, in PEM.', plainText),
  dataDir: {
    ...option('data-dir', join(homedir(), '.local/share/claude-proxy'), 'Where everything is kept.', plainText),
    fallbackText: '~/.local/share/claude-proxy',
  },
  token: option(
    'token',
    '',
    "Bearer token that every request but /healthz has to carry. Better in a file: a command line is everybody's to read.",
    plainText,
  ),
  tokenFile: option('token-file', '', 'File that holds the token, readable by its owner alone.', plainText),
  requireToken: option(
    'require-token',
    false,
    'Whether nobody comes in without a token, also on loopback and also while there is none: claude-proxy token create.',
    yesNo,
  ),
  allowedHosts: option('allowed-hosts', [], 'More host names that requests may be addressed to, by comma.', list),
  trustedProxies: option(
    'trusted-proxies',
    [],
    'Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Host, or Forwarded, count, by comma. Empty: of none.',
    list,
  ),
  allowedOrigins: option(
    'allowed-origins',
    [],
    'Origins of web pages that may call, by comma, such as https://example.org.',
    list,
  ),
  allowedRoots: option(
    'allowed-roots',
    [],
    'Folders that agents may work in and below, by comma. Empty: anywhere.',
    list,
  ),
  trustedRoots: option(
    'trusted-roots',
    [],
    'Folders whose own settings, hooks, MCP servers and skills are loaded, by comma. They run code. Empty: none.',
    list,
  ),
  allowBypass: option('allow-bypass', false, 'Whether clients may ask for permission mode bypassPermissions.', yesNo),
  store: option(
    'store',
    'sqlite',
    'Where events are kept: sqlite, or memory (nothing survives; for benchmarks).',
    oneOf('sqlite', 'memory'),
  ),
  agent: option(
    'agent',
    'claude',
    'Which agent works: claude, or scripted (no process, no model; for load and client tests).',
    oneOf('claude', 'scripted'),
  ),
  agentEnv: option('agent-env', [], 'More names of environment variables that the agent gets, by comma.', list),
  maxProcesses: {
    ...option(
      'max-processes',
      Math.max(2, Math.floor((totalmem() - GIB) / (0.35 * GIB))),
      'How many agent processes may live at once; further runs wait.',
      whole(1, 10_000),
    ),
    fallbackText: '(memory - 1 GiB) / 350 MiB',
  },
  maxStarts: {
    ...option('max-starts', availableParallelism(), 'How many agent processes may start at once.', whole(1, 1000)),
    fallbackText: 'number of cores',
  },
  prepare: option(
    'prepare',
    false,
    'Whether a process is made ready when a client opens a conversation, before its prompt.',
    yesNo,
  ),
  maxWarm: option('max-warm', 4, 'How many processes stay ready after their run; 0 for none.', whole(0, 10_000)),
  warmSeconds: option('warm-seconds', 900, 'How long a process stays ready after its run.', whole(1, 604_800)),
  warmMegabytes: option(
    'warm-megabytes',
    600,
    'A process that holds more memory than this is not kept.',
    whole(1, 1_000_000),
  ),
  settleSeconds: option('settle-seconds', 1800, 'How long a run waits for its background agents.', whole(1, 604_800)),
  partials: option(
    'partials',
    true,
    'Whether agents show what they are writing, for streams that ask for it with partials=true.',
    yesNo,
  ),
  permissionSeconds: option(
    'permission-seconds',
    300,
    'How long a tool permission request of POST /v1/agent/stream waits before it is denied; 0 for ever.',
    whole(0, 31_536_000),
  ),
  maxBodyBytes: option('max-body-bytes', 16 * 1024 * 1024, 'The largest request body.', whole(1024, 1024 ** 3)),
  maxAttachments: option('max-attachments', 20, 'How many attachments may come with a prompt.', whole(0, 100)),
  maxAttachmentBytes: option(
    'max-attachment-bytes',
    20 * 1024 * 1024,
    'The largest attachment, and what those of a prompt may come to together. The Messages API takes requests of 32 MB, a third of them base64.',
    whole(1, 1024 ** 3),
  ),
  maxImageBytes: option(
    'max-image-bytes',
    3_932_160,
    'The largest image. The Messages API takes 5 MiB of base64.',
    whole(1, 1024 ** 3),
  ),
  maxTextBytes: option('max-text-bytes', 1024 * 1024, 'The largest text that is attached.', whole(1, 1024 ** 3)),
  maxUnusedBytes: option(
    'max-unused-bytes',
    512 * 1024 * 1024,
    'What may lie here of one token’s uploads that no prompt has used; of all, four times as much.',
    whole(1, 1024 ** 4),
  ),
  unusedHours: option('unused-hours', 24, 'How long an upload is kept that no prompt has used.', whole(1, 8760)),
  search: option(
    'search',
    true,
    'Whether an index is kept, so that what was said can be searched. It takes about as much disk as the words it is of.',
    yesNo,
  ),
  auditDays: option('audit-days', 365, 'How long it is kept who did what.', whole(1, 36_500)),
  maxRunTurns: option(
    'max-run-turns',
    0,
    'How many turns an agent may take for one prompt, also where it asks for more; 0 for any number.',
    whole(0, 1_000_000),
  ),
  maxRunUsd: option(
    'max-run-usd',
    0,
    "What one run may cost, by the agent's own estimate, also where a prompt asks for more; 0 for any amount. Each run gets a process of its own then.",
    money,
  ),
  maxDayUsd: option(
    'max-day-usd',
    0,
    'What the runs of one day (UTC) may cost together; beyond it none begins, and those at work are interrupted. 0 for any amount. As above.',
    money,
  ),
  retainDays: option(
    'retain-days',
    0,
    "Conversations without a run for longer are deleted, except what a folder's names lead to; 0 keeps them for ever.",
    whole(0, 36_500),
  ),
  retainMegabytes: option(
    'retain-megabytes',
    0,
    'When more is kept, conversations are deleted: first those put away, then those that were active longest ago; 0 for any amount.',
    whole(0, 1_000_000_000),
  ),
  releases: option('releases', '', 'Where `claude-proxy upgrade` finds releases: a base URL or a folder.', plainText),
  upgradeWaitSeconds: option(
    'upgrade-wait-seconds',
    3600,
    'How long an upgrade waits for runs to end.',
    whole(0, 604_800),
  ),
  upgradeInterrupts: option(
    'upgrade-interrupts',
    false,
    'Whether an upgrade interrupts runs that are active after that time; else it leaves everything as it is.',
    yesNo,
  ),
  minFreeMegabytes: option(
    'min-free-megabytes',
    200,
    'With less free space where events are kept, /readyz says that the service is not ready.',
    whole(0, 1_000_000_000),
  ),
  logLevel: option(
    'log-level',
    'info',
    'What the log holds: debug, info, warn or error.',
    oneOf('debug', 'info', 'warn', 'error'),
  ),
  logFile: option('log-file', '', 'File for the log instead of stderr.', plainText),
  logMegabytes: option('log-megabytes', 10, 'How large that file becomes before the next is begun.', whole(1, 100_000)),
  logFiles: option('log-files', 5, 'How many of them are kept.', whole(1, 1000)),
}

export type Config = { readonly [Name in keyof typeof OPTIONS]: (typeof OPTIONS)[Name]['fallback'] }

/** An option that cannot be used, as a sentence that names it. */
export class ConfigError extends Error {}

/** Where the text of an option comes from, for who has to change it. */
export interface Setting<T = unknown> {
  readonly value: T
  /** `--port`, `CLAUDE_PROXY_PORT`, the same with file and line, or `default`. */
  readonly origin: string
}

export type Settings = { readonly [Name in keyof Config]: Setting<Config[Name]> }

/**
 * Every option with its value and its origin: a flag wins over the environment, the environment over the default.
 * `lines` says which variables of the environment were read from a file, and where they stand in it.
 */
export function readSettings(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  lines: ReadonlyMap<string, string> = new Map(),
): Settings {
  const flags = readFlags(args)
  refuseUnknown(environment, lines)
  const entries = Object.entries(OPTIONS).map(([name, each]): [string, Setting] => {
    const flag = flags[each.flag]
    const text = flag ?? environment[each.variable]
    if (text === undefined || (text === '' && flag === undefined))
      return [name, { value: each.fallback, origin: 'default' }]
    const place = lines.get(each.variable)
    const variable = place === undefined ? each.variable : `${place}: ${each.variable}`
    const origin = flag === undefined ? variable : `--${each.flag}`
    try {
      return [name, { value: each.read(text), origin }]
    } catch (error) {
      const shown = SECRETS.has(name) ? '…' : text
      throw new ConfigError(
        `${origin}=${shown} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  })
  return Object.fromEntries(entries) as Settings
}

/** The values alone. */
export function readConfig(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  lines?: ReadonlyMap<string, string>,
): Config {
  return valuesOf(readSettings(args, environment, lines))
}

export function valuesOf(settings: Settings): Config {
  return Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value])) as Config
}

/** Options that nobody shall read over a shoulder or in a log. */
export const SECRETS: ReadonlySet<string> = new Set<keyof Config>(['token'])

/** A variable that looks like one of ours and is none is a mistake that would otherwise go unseen. */
function refuseUnknown(environment: NodeJS.ProcessEnv, lines: ReadonlyMap<string, string>): void {
  const known = new Set(Object.values(OPTIONS).map(({ variable }) => variable))
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('CLAUDE_PROXY_') || known.has(name) || FOREIGN.has(name)) continue
    const place = lines.get(name)
    throw new ConfigError(
      `${place === undefined ? '' : `${place}: `}${name} is not an option. claude-proxy --help lists them.`,
    )
  }
}

/**
 * Variables that mean something to others: the Python original's updater, the mark that agents carry, and where the
 * commands of the terminal find the service.
 */
const FOREIGN = new Set(['CLAUDE_PROXY_URL', 'CLAUDE_PROXY_UPDATE_INTERVAL_SECONDS', 'CLAUDE_PROXY_AGENT_MARK'])

/** Says that there is to be no port. */
export const NO_HOST = 'none'

/** Throws for options that open the service to others: whoever reaches it can run commands, so that only this machine may, or whoever has the token. */
export function checkDoors({ host, token, requireToken }: Config): void {
  if (host === NO_HOST) return
  const isLoopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (isLoopback || token || requireToken) return
  throw new ConfigError(
    `Listening on ${host} opens this service to others: set CLAUDE_PROXY_TOKEN, --token-file or --require-token, or listen on 127.0.0.1 and use an SSH tunnel.`,
  )
}

/** The options, one a row: flag, variable, default, meaning. */
export function describeOptions(): [flag: string, variable: string, fallback: string, does: string][] {
  return Object.values(OPTIONS).map((each) => [
    `--${each.flag}`,
    each.variable,
    'fallbackText' in each ? each.fallbackText : describe(each.fallback),
    each.does,
  ])
}

/** The options as a table in Markdown, for the README. */
export function optionsTable(): string {
  const rows = describeOptions().map(([flag, variable, fallback, does]) => {
    return `| \`${flag}\` | \`${variable}\` | ${fallback && `\`${fallback}\``} | ${does} |\n`
  })
  return `| flag | variable | default | |\n|---|---|---|---|\n${rows.join('')}`
}

function readFlags(args: readonly string[]): Record<string, string | undefined> {
  const known = Object.fromEntries(Object.values(OPTIONS).map(({ flag }) => [flag, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options: known, strict: true }).values
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error))
  }
}

function option<T>(flag: string, fallback: T, does: string, read: (text: string) => T): Option<T> {
  return { flag, variable: `CLAUDE_PROXY_${flag.toUpperCase().replaceAll('-', '_')}`, fallback, does, read }
}

function plainText(text: string): string {
  return text
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function whole(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new ConfigError(`it has to be a whole number from ${least} to ${most}.`)
    return value
  }
}

function money(text: string): number {
  if (!/^\d{1,7}(\.\d{1,6})?$/.test(text)) throw new ConfigError('it has to be an amount such as 2.50.')
  return Number(text)
}

function yesNo(text: string): boolean {
  if (!/^(1|0|true|false|yes|no)$/i.test(text)) throw new ConfigError('it has to be true or false.')
  return /^(1|true|yes)$/i.test(text)
}

function oneOf(...choices: string[]) {
  return (text: string): string => {
    if (!choices.includes(text)) throw new ConfigError(`it has to be one of ${choices.join(', ')}.`)
    return text
  }
}

function describe(fallback: unknown): string {
  if (Array.isArray(fallback) || fallback === '') return ''
  return String(fallback)
}
