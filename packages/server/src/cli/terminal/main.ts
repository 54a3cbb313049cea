import { AppError } from '@claude-proxy/protocol/errors'
import { type Config, ConfigError, readConfig } from '../../config.ts'
import { reachOf } from '../../setup/reach.ts'
import { withToken } from '../token.ts'
import { readSaid, type Said } from './options.ts'
import { oneLine } from './screen.ts'
import { connect, type Service, Unreachable } from './service.ts'
import { EXIT, TERMINAL_COMMANDS, type TerminalCommand } from './table.ts'
import { openTunnel } from './tunnel.ts'

/** Runs a command that talks to the service; what the program ends with. */
export async function runTerminalCommand(
  name: string,
  args: readonly string[],
  lines: ReadonlyMap<string, string>,
): Promise<number> {
  // Whoever reads has seen enough: `claude-proxy tail | head`. 128 + SIGPIPE, as other programs end.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : EXIT.failed))
  try {
    const command = TERMINAL_COMMANDS[name]
    if (!command) throw new ConfigError(`There is no command ${name}.`)
    const said = readSaid(args, command.options)
    checkWords(name, command, said)
    return await withService(said, lines, command)
  } catch (error) {
    process.stderr.write(`claude-proxy: ${describe(error)}\n`)
    if (error instanceof ConfigError) return EXIT.usage
    return error instanceof Unreachable ? EXIT.unreachable : EXIT.failed
  }
}

async function withService(said: Said, lines: ReadonlyMap<string, string>, command: TerminalCommand): Promise<number> {
  const config = withToken(readConfig([], process.env, lines))
  const host = said.text('host')
  if (host !== undefined && said.text('url') !== undefined)
    throw new ConfigError('Give --host or --url, not both: --host has an address of its own.')
  await using tunnel = host === undefined ? undefined : await openTunnel(host)
  const address = tunnel?.url ?? said.text('url') ?? process.env['CLAUDE_PROXY_URL']
  const token = said.text('token') ?? config.token
  const service = address ? connect(baseOf(address), token) : connectHere(config, token)
  return await command.run({ said, service })
}

/** The service of this machine, as it is configured. */
function connectHere(config: Config, token: string): Service {
  const reach = reachOf(config)
  const { place } = reach
  // Of a socket there is no address; `http://localhost` only carries the paths.
  const base = place.startsWith('unix:') ? 'http://localhost' : place
  return connect(base, token, ({ pathname, search }, sent) => reach.fetch(pathname + search, sent), place)
}

function baseOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new ConfigError(`${oneLine(text)} is no address. It looks like http://127.0.0.1:8787.`)
  return (url.origin + url.pathname).replace(/\/$/, '')
}

function checkWords(name: string, { words }: TerminalCommand, said: Said): void {
  const missing = words.find((word, n) => !word.startsWith('[') && said.words[n] === undefined)
  if (missing !== undefined) throw new ConfigError(`Say which ${missing}: claude-proxy ${name} ${words.join(' ')}`)
  if (said.words.length > words.length)
    throw new ConfigError(
      `claude-proxy ${[name, ...words].join(' ')} takes no ${oneLine(said.words[words.length] ?? '')}. Put words that belong together in quotes.`,
    )
}

function describe(error: unknown): string {
  const isExpected = error instanceof ConfigError || error instanceof AppError || error instanceof Unreachable
  return isExpected ? oneLine(error.message) : String(error instanceof Error ? error.stack : error)
}
