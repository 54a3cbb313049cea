import { createHash } from 'node:crypto'
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Attachment } from '../../../core/ports/attachment.ts'
import type { Log } from '../../../core/ports/outside.ts'
import type { Store } from '../../../core/ports/store.ts'
import { makeDataDir, RESTORING, syncDirectory, syncPath } from '../data-dir.ts'
import { lockDataDir } from '../lock.ts'
import { connect, createPrivateFile, type Database } from '../open.ts'
import { openSqliteStore } from '../store.ts'
import { checkDatabase } from './check.ts'
import { APPLICATION_ID } from './format.ts'

export interface Restoring {
  readonly file: string
  readonly dataDir: string
  /** Whether data that is there may be moved aside. It is never removed. */
  readonly aside: boolean
  /** Changes what shall not go on by itself, before anybody else has it. */
  readonly settle: (store: Store) => Promise<void>
  readonly now: Date
  readonly log: Log
}

/** `aside`: where what was there before is now. */
export interface Restored {
  readonly attachments: number
  readonly aside: string | undefined
}

/**
 * Makes `dataDir` hold what the backup holds. It is put together in a directory within, checked and synced, and takes its
 * place then, in some renamings. Killed before those, it has changed nothing; amid them, nobody opens the store until the
 * same command has done it again.
 */
export async function restore({ file, dataDir, aside: mayMove, settle, now, log }: Restoring): Promise<Restored> {
  using backup = openBackup(file)
  makeDataDir(dataDir, log)
  using _ = lockDataDir(dataDir)
  const marker = join(dataDir, RESTORING)
  const begun = existsSync(marker) ? readFileSync(marker, 'utf8') : undefined
  const isInUse = KEPT.some((name) => existsSync(join(dataDir, name)))
  if (begun === undefined && isInUse && !mayMove)
    throw new AppError(
      'storage_unavailable',
      `There is data in ${dataDir}. With --aside it is moved into a directory of its own; or take another --data-dir.`,
    )
  const fresh = join(dataDir, `${RESTORING}.new`)
  const attachments = await build(backup.db, file, fresh, settle, log)
  const aside = begun ?? (isInUse ? `before-restore-${now.toISOString().replaceAll(':', '-')}` : '')
  if (begun === undefined) mark(marker, aside, dataDir)
  makeRoom(dataDir, aside)
  for (const name of ['attachments', DATABASE]) renameSync(join(fresh, name), join(dataDir, name))
  sync(dataDir)
  rmSync(marker)
  rmSync(fresh, { recursive: true })
  sync(dataDir)
  syncPath(dataDir)
  return { attachments, aside: aside === '' ? undefined : join(dataDir, aside) }
}

const DATABASE = 'claude-proxy.db'
const KEPT = [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`, 'attachments']
/** Made of the rest: the next start does so again. */
const DERIVED = ['search.db', 'search.db-wal', 'search.db-shm']

function openBackup(file: string): { db: Database } & Disposable {
  if (!existsSync(file)) throw new AppError('storage_unavailable', `There is no file ${file}.`)
  const db = connect(file, true)
  try {
    const found = db.prepare<{ application_id: number }>('PRAGMA application_id').get()
    if (found?.application_id !== APPLICATION_ID)
      throw new AppError('storage_unavailable', `${file} is no backup of this program's.`)
    checkDatabase(db, file)
    return { db, [Symbol.dispose]: () => db.close() }
  } catch (error) {
    db.close()
    if (error instanceof AppError) throw error
    throw new AppError('storage_unavailable', `${file} is no backup, or is damaged.`, {}, { cause: error })
  }
}

/** Puts all of the backup into a directory of its own; how many attachments there are. On the disk when it resolves. */
async function build(
  backup: Database,
  file: string,
  directory: string,
  settle: Restoring['settle'],
  log: Log,
): Promise<number> {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(join(directory, 'attachments'), { recursive: true, mode: 0o700 })
  const attachments = putAttachments(backup, join(directory, 'attachments'))
  const path = join(directory, DATABASE)
  createPrivateFile(path)
  copyFileSync(file, path)
  const db = connect(path)
  try {
    db.exec('PRAGMA application_id = 0; DROP TABLE backup_part')
    db.exec('VACUUM')
  } finally {
    db.close()
  }
  const store = await openSqliteStore({ dataDir: directory, log })
  try {
    await settle(store)
  } finally {
    await store.close()
  }
  syncFile(path)
  for (const each of [join(directory, 'attachments'), directory]) sync(each)
  return attachments
}

function putAttachments(backup: Database, directory: string): number {
  const parts = backup.prepare<{ bytes: Uint8Array }>(
    'SELECT bytes FROM backup_part WHERE attachment = ? ORDER BY part',
  )
  const all = backup.prepare<{ facts: string }>('SELECT facts FROM attachment WHERE unused_since IS NOT 0').all()
  for (const { facts } of all) {
    const { id, digest }: Attachment = JSON.parse(facts)
    // It becomes the name of a file.
    if (!/^[0-9a-f]{32}$/.test(id))
      throw new AppError('storage_unavailable', 'The backup is damaged: an attachment has an id that is none.')
    const hash = createHash('sha256')
    const descriptor = openSync(join(directory, id), 'wx', 0o600)
    try {
      for (const { bytes } of parts.iterate(id)) {
        hash.update(bytes)
        for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
      }
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    if (hash.digest('base64url') !== digest)
      throw new AppError('storage_unavailable', `The attachment ${id} in the backup is damaged.`)
  }
  return all.length
}

/** From here on until it is removed, what lies in the data directory may be the half of two. */
function mark(marker: string, aside: string, dataDir: string): void {
  writeFileSync(marker, aside, { mode: 0o600, flush: true })
  sync(dataDir)
}

/** Moves aside what was there. What has been moved before, is there once more only as a copy from the backup. */
function makeRoom(dataDir: string, aside: string): void {
  if (aside !== '') mkdirSync(join(dataDir, aside), { recursive: true, mode: 0o700 })
  for (const name of [...KEPT, ...DERIVED]) {
    const [from, to] = [join(dataDir, name), join(dataDir, aside, name)]
    if (aside === '' || existsSync(to)) rmSync(from, { recursive: true, force: true })
    else if (existsSync(from)) renameSync(from, to)
  }
  if (aside !== '') sync(join(dataDir, aside))
  sync(dataDir)
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function sync(directory: string): void {
  if (process.platform !== 'win32') syncDirectory(directory) // there, directories cannot be synced
}
