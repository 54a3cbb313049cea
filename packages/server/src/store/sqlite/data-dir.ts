import { mkdirSync, statSync } from 'node:fs'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Log } from '../../core/ports.ts'

/**
 * Makes sure that `dataDir` exists. A new one is its owner's alone. An old one that everybody can read, or others can
 * write, is refused with a sentence that says what to do; one that a group can look into is told of.
 */
export function makeDataDir(dataDir: string, log: Log): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${dataDir} cannot be the data directory: ${why}`, { cause })
  }
  if (process.platform === 'win32') return // has no such modes
  const mode = statSync(dataDir).mode & 0o777
  if ((mode & 0o077) === 0) return
  if ((mode & 0o026) !== 0)
    throw new AppError(
      'storage_unavailable',
      `Other users of this machine can read or write the data directory ${dataDir} (mode ${mode.toString(8)}). Keep them out: chmod 700 ${dataDir}`,
      { dataDir },
    )
  log.warn(`Other users of this machine can look into the data directory. To keep them out: chmod 700 ${dataDir}`, {
    dataDir,
    mode: mode.toString(8),
  })
}
