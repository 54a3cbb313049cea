import { AppError } from '@claude-proxy/protocol/errors'
import { type Command, COMMANDS } from './commands.ts'
import { ConfigError, readSettings, valuesOf } from '../config.ts'
import { readEnvFile } from './env-file.ts'
import { withToken } from './token.ts'
import { TERMINAL_COMMANDS } from './terminal/table.ts'

/** The program `claude-proxy`, with what stands behind its name on the command line. Ends the process when it fails. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await dispatch(args)
  } catch (error) {
    const isExpected =
      error instanceof ConfigError || error instanceof AppError || (error instanceof Error && error.cause !== undefined)
    process.stderr.write(
      `claude-proxy: ${isExpected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
    )
    process.exit(1)
  }
}

async function dispatch(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    const { helpFor } = await import('./manual/help.ts')
    const words = loadEnvFile(args).rest.filter((arg) => !arg.startsWith('-'))
    process.stdout.write(helpFor(words, process.stdout.isTTY ? process.stdout.columns : 100))
    return
  }
  const { rest, lines, file } = loadEnvFile(args)
  const [first = ''] = rest
  if (Object.hasOwn(TERMINAL_COMMANDS, first)) {
    const { runTerminalCommand } = await import('./terminal/main.ts')
    process.exitCode = await runTerminalCommand(first, rest.slice(1), lines)
    return
  }
  const name = Object.keys(COMMANDS).find((each) => each.split(' ').every((word, n) => rest[n] === word)) ?? ''
  const command = COMMANDS[name]
  if (command === undefined) {
    const config = withToken(valuesOf(readSettings(rest, process.env, lines)))
    return (await import('./serve.ts')).serve(config, process.env, file)
  }
  const { words: needed = [], optional } = command
  const { given, others } = takeOptions(rest.slice(name.split(' ').length), command)
  const words = others.slice(0, needed.length)
  const missing = needed.find((_, index) => words[index]?.startsWith('-') !== false)
  if (missing !== undefined) throw new ConfigError(`Say which ${missing}: claude-proxy ${usage(name)}`)
  const next = others[needed.length]
  if (optional !== undefined && next?.startsWith('-') === false) words.push(next)
  const settings = readSettings(others.slice(words.length), process.env, lines)
  await command.run({ words, given, settings, environmentFile: file })
}

/** A command's own options, and what is left: its words, and the service's options. */
function takeOptions(args: readonly string[], { options = {} }: Command) {
  const given: Record<string, string> = {}
  const others: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const [flag = '', inline] = arg.startsWith('--') ? arg.slice(2).split(/=(.*)/s) : []
    const option = Object.hasOwn(options, flag) ? options[flag] : undefined
    if (option === undefined) {
      others.push(arg)
    } else {
      const value = option.takes === undefined ? '' : (inline ?? args[++at])
      const isForgotten = value === undefined || (inline === undefined && value.startsWith('--'))
      if (isForgotten || (inline !== undefined && option.takes === undefined))
        throw new ConfigError(`--${flag} takes ${option.takes ?? 'no value'}.`)
      given[flag] = value
    }
  }
  return { given, others }
}

function usage(name: string): string {
  const { words = [], optional } = COMMANDS[name] ?? {}
  return [name, ...words, ...(optional === undefined ? [] : [`[${optional}]`])].join(' ')
}

/**
 * Takes `--environment FILE` out of the arguments and sets what the file says, unless it is set already. `lines`: where
 * those variables stand. (Node takes `--env-file` for its own, wherever it stands.)
 */
function loadEnvFile(args: readonly string[]): {
  rest: readonly string[]
  lines: ReadonlyMap<string, string>
  file: string | undefined
} {
  const at = args.indexOf('--environment')
  const file = at < 0 ? undefined : args[at + 1]
  const lines = new Map<string, string>()
  if (file === undefined) return { rest: args, lines, file }
  for (const [name, { value, line }] of readEnvFile(file) ?? []) {
    if (process.env[name] !== undefined) continue
    process.env[name] = value
    lines.set(name, `${file}:${line}`)
  }
  return { rest: args.toSpliced(at, 2), lines, file }
}
