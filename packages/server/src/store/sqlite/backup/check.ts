import { AppError } from '@claude-proxy/protocol/errors'
import { reasonOf } from '../failure.ts'
import type { Database } from '../open.ts'

/** What SQLite finds wrong with a database; nothing when it is whole. */
export function findingsOf(db: Database): string[] {
  try {
    const broken = db.prepare<{ integrity_check: string }>('PRAGMA integrity_check').all()
    const lost = db.prepare<{ table: string; parent: string }>('PRAGMA foreign_key_check').all()
    return [
      ...broken.map(({ integrity_check: finding }) => finding).filter((finding) => finding !== 'ok'),
      ...lost.map(({ table, parent }) => `a row of ${table} refers to one of ${parent} that is not there`),
    ]
  } catch (error) {
    // It may be in such a state that there is nothing to check.
    return [reasonOf(error)]
  }
}

/** Refuses a database that is not whole. `what`: how it is called in the sentence. */
export function checkDatabase(db: Database, what: string): void {
  const [finding] = findingsOf(db)
  if (finding !== undefined) throw new AppError('storage_unavailable', `${what} is damaged: ${finding}`)
}
