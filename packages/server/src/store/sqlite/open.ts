import { DatabaseSync } from 'node:sqlite'
import { chmodSync, writeFileSync } from 'node:fs'
import { migrate } from './migrate.ts'

/** What the store uses of a SQLite library; this file is the only one that knows which it is. */
export interface Database {
  exec(sql: string): void
  /** `Row` is what the statement's columns are: the one place where a type is believed, not checked. */
  prepare<Row = unknown>(sql: string): Statement<Row>
  /** False also when SQLite gave a transaction up by itself, as it may when the disk is full. */
  readonly isTransaction: boolean
  close(): void
}

export interface Statement<Row> {
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): Row[]
  iterate(...values: Value[]): Iterable<Row>
  run(...values: Value[]): { changes: number | bigint }
}

export type Value = string | number | null | Uint8Array

/** Creates the database if there is none and brings its tables up to date. Call it before anything else opens it. */
export function prepareDatabase(file: string): void {
  createPrivateFile(file)
  const db = connect(file)
  try {
    migrate(db)
  } finally {
    db.close()
  }
}

/** The connection that writes; there is one. */
export function openForWriting(file: string): Database {
  const db = connect(file)
  db.exec(DURABLE)
  return db
}

/** A connection that only reads. It sees what is committed and waits for nobody. */
export function openForReading(file: string): Database {
  const db = connect(file, true)
  // Reading through the page cache of the system instead of copying from it nearly doubles the speed of a replay.
  db.exec(`PRAGMA mmap_size = ${1024 ** 4}`)
  return db
}

/** How long a statement waits for another process that has locked the file. */
export const BUSY_TIMEOUT_MS = 5000

/** Opens any SQLite file as it is. */
export function connect(file: string, readOnly = false, busyTimeoutMs = BUSY_TIMEOUT_MS): Database {
  const db = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
  return {
    exec: (sql) => db.exec(sql),
    prepare: <Row>(sql: string) => db.prepare(sql) as unknown as Statement<Row>,
    get isTransaction() {
      return db.isTransaction
    },
    close: () => db.close(),
  }
}

/** Makes sure that `file` exists and is its owner's alone. SQLite gives its companions (-wal, -shm) the same mode. */
export function createPrivateFile(file: string): void {
  try {
    // never opens a file that is there: closing a second descriptor would drop this process's locks on it (POSIX)
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    chmodSync(file, 0o600)
  }
}

// FULL: a commit is on the disk when it returns. The next two say the same to macOS, whose fsync alone does not.
// A thread of its own moves the log into the database; at 64 MiB (in pages) a commit does so itself, in case that one
// does not keep up. The other limit is in bytes: a large import does not leave a large -wal file behind.
const DURABLE = `
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA journal_size_limit = 16777216;
  PRAGMA wal_autocheckpoint = 16384;
`
