import { readdirSync, readFileSync } from 'node:fs'
import { AppError } from '@claude-proxy/protocol/errors'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'
import { inTransaction } from './transaction.ts'

/** One step of the schema; its number is the database's `user_version` afterwards. */
export interface Migration {
  readonly version: number
  readonly sql: string
}

/** Applies what the database does not have yet, a transaction each. Refuses a database that is newer than the code. */
export function migrate(db: Database, migrations: readonly Migration[] = readMigrations()): void {
  const newest = newestOf(migrations)
  const found = versionOf(db)
  if (found > newest) throw tooNew(found, newest)
  // Counts only for a database without tables: what becomes free can be given back later, a little at a time.
  if (found === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL')
  db.exec('PRAGMA journal_mode = WAL')
  for (const migration of migrations) if (migration.version > found) apply(db, migration)
}

/** Whether the database in `file` is as this program would have it. */
export function isUpToDate(db: Database): boolean {
  return versionOf(db) === newestOf(readMigrations())
}

/** Refuses a database with which the statements of this program would not work. */
export function checkVersion(db: Database): void {
  const known = newestOf(readMigrations())
  const found = versionOf(db)
  if (found > known) throw tooNew(found, known)
  if (found === known) return
  throw new AppError(
    'storage_unavailable',
    `The data is of an older release (schema version ${found}, this program knows ${known}): start the service once.`,
    { found, known },
  )
}

function tooNew(found: number, known: number): AppError {
  return new AppError(
    'storage_unavailable',
    `The database has schema version ${found}, this program knows ${known}: ` +
      'it was last used by a newer release. Install that release, or restore a backup made before the upgrade.',
    { found, known },
  )
}

function apply(db: Database, { version: to, sql }: Migration): void {
  inTransaction(db, () => {
    db.exec(sql)
    db.exec(`PRAGMA user_version = ${to}`)
  })
}

/** How far a database has been brought; 0 when nothing has been done to it. */
export function versionOf(db: Database): number {
  return certain(db.prepare<{ user_version: number }>('PRAGMA user_version').get(), 'a version').user_version
}

function newestOf(migrations: readonly Migration[]): number {
  return certain(migrations.at(-1), 'a migration').version
}

function readMigrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => ({ version: Number.parseInt(name, 10), sql: readFileSync(new URL(name, folder), 'utf8') }))
}
