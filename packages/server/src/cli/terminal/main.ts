import { ClaudeProxyError, createClient } from '@claude-proxy/client'
import { AppError } from '@claude-proxy/protocol/errors'
import { ConfigError, readConfig } from '../../config.ts'
import { withToken } from '../token.ts'
import { type Address, addressOf } from './address.ts'
import { readSaid, type Said } from './options.ts'
import { oneLine } from './screen.ts'
import { EXIT, TERMINAL_COMMANDS, type TerminalCommand } from './table.ts'
import { openTunnel } from './tunnel.ts'
import { Unreachable } from './unreachable.ts'

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
  await using tunnel = said.text('host') === undefined ? undefined : await openTunnel(said)
  const address = tunnel?.address ?? addressOf(said, config, process.env)
  let hasAnswered = false
  const client = createClient({
    baseUrl: address.baseUrl,
    token: (said.text('token') ?? config.token) || undefined,
    userAgent: 'claude-proxy-cli',
    async fetch(...args) {
      const response = await address.fetch(...args)
      hasAnswered = true
      return response
    },
    // Where nobody is, a person is told at once. A service that was there comes back.
    isWorthRepeating: () => hasAnswered,
  })
  try {
    return await command.run({ said, client, address, config })
  } catch (error) {
    throw sentenceOf(error, address)
  }
}

function checkWords(name: string, { words }: TerminalCommand, said: Said): void {
  const missing = words.find((word, n) => !word.startsWith('[') && said.words[n] === undefined)
  if (missing !== undefined) throw new ConfigError(`Say which ${missing}: claude-proxy ${name} ${words.join(' ')}`)
  if (said.words.length > words.length)
    throw new ConfigError(
      `claude-proxy ${[name, ...words].join(' ')} takes no ${oneLine(said.words[words.length] ?? '')}. Put words that belong together in quotes.`,
    )
}

/** A failure of the line as a sentence that says where it was, and what can be done. */
function sentenceOf(error: unknown, { shown }: Address): unknown {
  if (!(error instanceof ClaudeProxyError)) return error
  const code = codeOf(error)
  switch (error.code) {
    case 'unreachable': {
      const sentence = /CERT|TLS|SELF_SIGNED|ISSUER/.test(code)
        ? `The certificate at ${shown} cannot be trusted (${code}). NODE_EXTRA_CA_CERTS names a file with more of those that can.`
        : `Nobody answers at ${shown}${code && ` (${code})`}. Is the service running? --url, --socket or --host says where it is.`
      return new Unreachable(sentence, { cause: error })
    }
    case 'timeout':
    case 'silent':
    case 'unexpected':
      return new Unreachable(`${shown}: ${error.message}`, { cause: error })
    default:
      return error
  }
}

/** The system's name for what went wrong, from as deep as it lies. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const { code } = error as NodeJS.ErrnoException
  return codeOf(error.cause) || (error instanceof ClaudeProxyError ? '' : (code ?? ''))
}

function describe(error: unknown): string {
  const isExpected = [ConfigError, AppError, ClaudeProxyError, Unreachable].some((each) => error instanceof each)
  return isExpected && error instanceof Error
    ? oneLine(error.message)
    : String(error instanceof Error ? error.stack : error)
}
