import type { Database } from './open.ts'

/** Does `work` whole or not at all. */
export function inTransaction(db: Database, work: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    work()
    db.exec('COMMIT')
  } catch (error) {
    // SQLite may have given it up by itself.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
