import type { Database } from './open.ts'

/** Does `work` whole or not at all. */
export function inTransaction<T>(db: Database, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const value = work()
    db.exec('COMMIT')
    return value
  } catch (error) {
    // SQLite may have given it up by itself.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
