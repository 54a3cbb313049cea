import { createRequire } from 'node:module'
import type { Logger } from 'pino'
import type { Log } from './core/ports/outside.ts'
import { withoutSecrets } from './log/secrets.ts'

export interface LogOptions {
  /** Takes the lines, instead of stderr. */
  readonly write?: ((line: string) => void) | undefined
  /** Where secrets may stand that no line shall have. */
  readonly environment?: NodeJS.ProcessEnv
  /** More of them. */
  readonly secrets?: readonly string[]
}

/** A log of JSON lines. Whatever looks like a secret is left out. */
export function createLog(level: string, options: LogOptions = {}): Log {
  const { environment = {}, secrets = [] } = options
  const clean = withoutSecrets(environment, secrets)
  let logger: Logger | undefined
  const writeAt =
    (to: Level) =>
    (message: string, details: object = {}) => {
      const { error, ...rest } = details as { error?: unknown }
      try {
        logger ??= openLog(level, clean, options.write)
      } catch (cause) {
        // No file can be opened, say. What goes wrong then is told all the same, and must not end the service.
        process.stderr.write(
          clean(`${JSON.stringify({ level: to, msg: message, error: String(error), log: String(cause) })}\n`),
        )
        return
      }
      logger[to](error === undefined ? rest : { ...rest, err: error }, message)
    }
  const isWanted = (to: Level) => LEVELS.indexOf(to) >= LEVELS.indexOf(level)
  const writeIf = (to: Level) => (isWanted(to) ? writeAt(to) : () => {})
  const log = { info: writeIf('info'), warn: writeIf('warn'), error: writeIf('error') }
  return isWanted('debug') ? { ...log, debug: writeAt('debug') } : log
}

type Level = 'debug' | 'info' | 'warn' | 'error'
const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error']

/** Loads pino for the first line: until then the service has answered. At once, since a line may be the last one. */
function openLog(
  level: string,
  clean: (line: string) => string,
  elsewhere: ((line: string) => void) | undefined,
): Logger {
  const { default: pino } = createRequire(import.meta.url)('pino') as typeof import('pino')
  const stderr = elsewhere ? undefined : pino.destination({ fd: 2, sync: true })
  const write = elsewhere ?? ((line: string) => void stderr?.write(line))
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: SECRETS, remove: true } },
    { write: (line) => write(spelledOut(clean(line))) },
  )
}

/** JSON leaves some characters as they are that move the cursor of a terminal, or end a line for some readers. */
function spelledOut(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const SECRETS = ['token', 'authorization', 'environment', 'env', '*.token', '*.authorization', '*.environment', '*.env']
