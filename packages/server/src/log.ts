import { createRequire } from 'node:module'
import type { Logger } from 'pino'
import type { Log } from './core/ports/outside.ts'

/** A log of JSON lines on stderr. Whatever looks like a secret is left out. */
export function createLog(level: string): Log {
  let logger: Logger | undefined
  const write = (to: Level) => {
    if (LEVELS.indexOf(to) < LEVELS.indexOf(level)) return () => {}
    return (message: string, details: object = {}) => {
      const { error, ...rest } = details as { error?: unknown }
      try {
        logger ??= openLog(level)
      } catch (cause) {
        // No file can be opened, say. What goes wrong then is told all the same, and must not end the service.
        process.stderr.write(
          `${JSON.stringify({ level: to, msg: message, error: String(error), log: String(cause) })}\n`,
        )
        return
      }
      logger[to](error === undefined ? rest : { ...rest, err: error }, message)
    }
  }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

type Level = 'info' | 'warn' | 'error'
const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error']

/** Loads pino for the first line: until then the service has answered. At once, since a line may be the last one. */
function openLog(level: string): Logger {
  const { default: pino } = createRequire(import.meta.url)('pino') as typeof import('pino')
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: SECRETS, remove: true } },
    pino.destination({ fd: 2, sync: true }),
  )
}

const SECRETS = ['token', 'authorization', 'environment', 'env', '*.token', '*.authorization', '*.environment', '*.env']
