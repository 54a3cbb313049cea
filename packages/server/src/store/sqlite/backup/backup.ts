import { createHash, randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Attachment } from '../../../core/ports/attachment.ts'
import { certain } from '../../../core/certain.ts'
import { syncDirectory } from '../data-dir.ts'
import { openToLook } from '../look.ts'
import { connect, createPrivateFile, type Database } from '../open.ts'
import { checkDatabase } from './check.ts'
import { FORMAT, PART_BYTES } from './format.ts'

/** What a backup holds. */
export interface BackedUp {
  readonly conversations: number
  readonly attachments: number
  readonly bytes: number
}

/** How often an attachment may go with its conversation while it is copied: then all begins again. */
const ATTEMPTS = 5

/**
 * Writes all that is kept in `dataDir`, as it is at one moment, into `file`: a database of its own, which holds the
 * attachments, too. A service may be at work meanwhile. `file` appears when it is whole, checked and on the disk, and never
 * takes the place of another.
 */
export async function backUp(dataDir: string, file: string): Promise<BackedUp> {
  const path = resolve(file)
  if (existsSync(path)) throw there(path)
  const part = `${path}.${randomUUID()}.part`
  try {
    for (let attempt = 1; ; attempt++) {
      const copied = await copy(dataDir, part)
      if (copied !== undefined) {
        publish(part, path)
        return { ...copied, bytes: statSync(path).size }
      }
      if (attempt === ATTEMPTS)
        throw new AppError(
          'storage_unavailable',
          'Attachments vanish while they are copied. Look with: claude-proxy integrity',
        )
    }
  } finally {
    rmSync(part, { force: true })
  }
}

/** Undefined when an attachment is gone that was there when the copy began. */
async function copy(dataDir: string, part: string): Promise<Omit<BackedUp, 'bytes'> | undefined> {
  rmSync(part, { force: true })
  createPrivateFile(part)
  const source = openToLook(dataDir)
  try {
    // One snapshot, without what was deleted. It keeps nobody from writing.
    source.prepare('VACUUM INTO ?').run(part)
  } finally {
    source.close()
  }
  const db = connect(part)
  try {
    // It is nobody's yet, and synced as a whole when it is done.
    db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF')
    db.exec(FORMAT)
    // They live where the copy was made.
    db.exec('DELETE FROM process')
    const attachments = await takeAttachments(db, join(dataDir, 'attachments'))
    if (attachments === undefined) return undefined
    checkDatabase(db, 'The copy')
    const count = db.prepare<{ n: number }>('SELECT count(*) AS n FROM conversation WHERE deleted = 0')
    return { conversations: certain(count.get(), 'a count').n, attachments }
  } finally {
    db.close()
  }
}

async function takeAttachments(db: Database, directory: string): Promise<number | undefined> {
  const wanted = db
    .prepare<{ facts: string }>('SELECT facts FROM attachment WHERE unused_since IS NOT 0')
    .all()
    .map(({ facts }): Attachment => JSON.parse(facts))
  const insert = db.prepare('INSERT INTO backup_part (attachment, part, bytes) VALUES (?, ?, ?)')
  db.exec('BEGIN')
  for (const { id, digest } of wanted) {
    const found = await digestOfParts(join(directory, id), (bytes, n) => void insert.run(id, n, bytes))
    if (found === undefined) return undefined
    if (found !== digest)
      throw new AppError('storage_unavailable', `The attachment ${id} is not what it was: it is damaged.`)
  }
  db.exec('COMMIT')
  return wanted.length
}

/** Gives a file away in parts; what it is by its SHA-256. Undefined when there is none. */
async function digestOfParts(path: string, take: (bytes: Buffer, n: number) => void): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await using handle = await open(path)
    for (let n = 0; ; n++) {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(PART_BYTES), position: n * PART_BYTES })
      if (bytesRead === 0) return hash.digest('base64url')
      const bytes = buffer.subarray(0, bytesRead)
      hash.update(bytes)
      take(bytes, n)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Gives the file its name when all of it is on the disk. A link, unlike a renaming, replaces nothing. */
function publish(part: string, path: string): void {
  const descriptor = openSync(part, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(part, path)
  } catch (cause) {
    throw cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' ? there(path) : cause
  }
  if (process.platform !== 'win32') syncDirectory(dirname(path))
}

function there(path: string): AppError {
  return new AppError(
    'storage_unavailable',
    `${path} is there already. A backup replaces nothing: give it another name.`,
  )
}
