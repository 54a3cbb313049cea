import { existsSync } from 'node:fs'
import { AppError } from '@claude-proxy/protocol/errors'
import { serve } from './serve.ts'
import { withToken } from './token.ts'
import { ConfigError, describeOptions, readConfig } from '../config.ts'

const HELP = `Runs Claude Code on this machine and streams every run as numbered events.

  claude-proxy [options]              runs the service
  claude-proxy import DIR [options]   takes in the data of the Python original

  --environment FILE                  reads more variables from FILE, if it exists

Options, and the variables that mean the same:
`

/** The program `claude-proxy`, with what stands behind its name on the command line. Ends the process when it fails. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await dispatch(loadEnvFile(args))
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
    const rows = describeOptions().map(
      ([flag, variable, fallback, does]) => `  ${flag}, ${variable}${fallback && ` (${fallback})`}\n      ${does}\n`,
    )
    process.stdout.write(HELP + rows.join(''))
    return
  }
  const [command, directory, ...rest] = args
  if (command === 'import') {
    if (directory === undefined || directory.startsWith('-'))
      throw new ConfigError('Say which directory: claude-proxy import DIR')
    const { importDirectory } = await import('./import.ts')
    return importDirectory(directory, readConfig(rest, process.env))
  }
  await serve(withToken(readConfig(args, process.env)), process.env)
}

/** Takes `--environment FILE` out of the arguments and loads the file if there is one; what is set already wins. (Node takes `--env-file` for its own, wherever it stands.) */
function loadEnvFile(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--environment')
  const file = at < 0 ? undefined : args[at + 1]
  if (file === undefined) return args
  if (existsSync(file)) process.loadEnvFile(file)
  return args.toSpliced(at, 2)
}
