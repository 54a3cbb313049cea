import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import { isBusy } from './failure.ts'
import { connect, createPrivateFile } from './open.ts'

/** Somebody else has what was to be claimed. */
export class Claimed extends Error {
  /** Which process; undefined when that is not known. */
  readonly pid: string | undefined

  constructor(pid: string | undefined, options: ErrorOptions) {
    super(pid === undefined ? 'Another process has it.' : `Process ${pid} has it.`, options)
    this.pid = pid
  }
}

/**
 * Claims something in `directory` for this process until it is disposed; throws `Claimed` when another process has it.
 *
 * The claim is a lock on a database of its own: SQLite knows how to lock a file on every system, and the operating
 * system frees the lock when the process ends, however it ends. (The store's own file stays open to other readers.)
 */
export function claim(directory: string, name: string): Disposable {
  const file = join(directory, `${name}.db`)
  const pidFile = join(directory, `${name}.pid`)
  createPrivateFile(file)
  const db = connect(file, false, 0)
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE')
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  } catch (cause) {
    db.close()
    throw isBusy(cause) ? new Claimed(holder(pidFile), { cause }) : cause
  }
  return { [Symbol.dispose]: () => db.close() }
}

/** Claims the data directory. */
export function lockDataDir(dataDir: string): Disposable {
  try {
    return claim(dataDir, 'lock')
  } catch (cause) {
    throw cause instanceof Claimed ? taken(dataDir, cause) : cause
  }
}

function taken(dataDir: string, cause: Claimed): AppError {
  const { pid } = cause
  const who = pid === undefined ? 'Another process' : `Another server (process ${pid})`
  return new AppError(
    'storage_unavailable',
    `${who} is using the data directory ${dataDir}. Stop it, or start this one with another data directory.`,
    { dataDir, pid: pid ?? null },
    { cause },
  )
}

/** Who wrote the pid file last: a hint for the sentence, never the lock itself. */
function holder(pidFile: string): string | undefined {
  try {
    return readFileSync(pidFile, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** Who has claimed the data directory, if anybody has. Changes nothing. */
export function lockHolder(dataDir: string): { readonly pid: number | undefined } | undefined {
  const file = join(dataDir, 'lock.db')
  if (!existsSync(file)) return undefined
  const db = connect(file, true, 0)
  try {
    db.exec('SELECT count(*) FROM sqlite_schema')
    return undefined
  } catch (error) {
    if (!isBusy(error)) throw error
    const pid = Number(holder(join(dataDir, 'lock.pid')))
    return { pid: Number.isInteger(pid) && pid > 0 ? pid : undefined }
  } finally {
    db.close()
  }
}
