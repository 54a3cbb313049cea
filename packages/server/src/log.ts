import pino from 'pino'
import type { Log } from './core/ports.ts'

/** A log of JSON lines on stderr. Whatever looks like a secret is left out. */
export function createLog(level: string): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: SECRETS, remove: true } },
    pino.destination({ fd: 2, sync: true }),
  )
  const write =
    (to: 'info' | 'warn' | 'error') =>
    (message: string, details: object = {}) => {
      const { error, ...rest } = details as { error?: unknown }
      logger[to](error === undefined ? rest : { ...rest, err: error }, message)
    }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

const SECRETS = ['token', 'authorization', 'environment', 'env', '*.token', '*.authorization', '*.environment', '*.env']
