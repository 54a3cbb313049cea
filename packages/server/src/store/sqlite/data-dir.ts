import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Log } from '../../core/ports/outside.ts'
import { reasonOf } from './failure.ts'

/**
 * Makes sure that `dataDir` exists. A new one is its owner's alone. An old one that everybody can read, or others can
 * write, is refused with a sentence that says what to do; one that a group can look into is told of.
 */
export function makeDataDir(dataDir: string, log: Log): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new Error(`${dataDir} cannot be the data directory: ${reasonOf(cause)}`, { cause })
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

/** While a file of this name is there, a backup is taking the place of what was kept. */
export const RESTORING = 'restoring'

/** Refuses a data directory in which a restore was cut short: what lies there may be the half of two. */
export function refuseHalfRestored(dataDir: string): void {
  if (!existsSync(join(dataDir, RESTORING))) return
  throw new AppError(
    'storage_unavailable',
    `A restore into ${dataDir} was cut short. Run the same command again: claude-proxy restore FILE`,
    { dataDir },
  )
}

/**
 * Has the way to `dataDir` survive a power cut. SQLite does so for the files in it, but a directory that was just made
 * is a name in the one above, which is on the disk for sure only when that one was synced (fsync(2)).
 */
export function syncPath(dataDir: string): void {
  if (process.platform === 'win32') return // directories cannot be synced
  const path = realpathSync(dataDir)
  for (let below = path, above = dirname(path); above !== below; below = above, above = dirname(above)) {
    try {
      syncDirectory(above)
    } catch (error) {
      // Some may not be read by us, some file systems cannot do it; but what the disk refused is not there.
      if (error instanceof Error && 'code' in error && error.code === 'EIO') throw error
    }
  }
}

/** Has the names in a directory survive a power cut. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
