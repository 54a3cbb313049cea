import { mkdirSync, statSync } from 'node:fs'
import type { Log } from '../../core/ports.ts'

/** Makes sure that `dataDir` exists. A new one is its owner's alone; an old one keeps its mode, with a warning. */
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
  log.warn(`Other users of this machine can look into the data directory. To keep them out: chmod 700 ${dataDir}`, {
    dataDir,
    mode: mode.toString(8),
  })
}
