import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Log } from '../../core/ports/outside.ts'
import type { AccessStore } from '../../core/ports/access.ts'
import { accessOperations, readAccess } from './access.ts'
import { makeDataDir } from './data-dir.ts'
import { lockDataDir } from './lock.ts'
import { isUpToDate } from './migrate.ts'
import { openForReading, openForWriting, prepareDatabase } from './open.ts'
import { inTransaction } from './transaction.ts'

/**
 * Who may come in, for a command that runs beside the service, or without one. It writes to the same database from
 * another process, which SQLite allows: each waits for the other's transaction, and the service reads what is committed.
 * Nothing else may do so. The service alone knows the numbers of events, but of what is changed here it holds nothing
 * back; and here it is never the one that moves the log into the database while the service has it open.
 */
export function openAccessBeside({ dataDir, log }: { dataDir: string; log: Log }): AccessStore & AsyncDisposable {
  makeDataDir(dataDir, log)
  const file = join(dataDir, 'claude-proxy.db')
  prepare(dataDir, file)
  const db = openForWriting(file)
  db.exec('PRAGMA wal_autocheckpoint = 0')
  const reads = readAccess(db)
  const writes = accessOperations(db)
  const write = async <T>(work: () => T): Promise<T> => inTransaction(db, work)
  return {
    createToken: (token, entry) => write(() => writes.createToken({ token, entry })),
    revokeToken: (id, entry) => write(() => writes.revokeToken({ id, entry })),
    tokens: async () => reads.tokens(),
    tokenOf: async (digest) => reads.tokenOf(digest),
    token: async (id) => reads.token(id),
    addAudit: (entry) => write(() => writes.addAudit(entry)),
    audit: async (filter) => reads.audit(filter),
    forgetAudit: (before) => write(() => writes.forgetAudit(before)),
    [Symbol.asyncDispose]: async () => db.close(),
  }
}

/** Has the tables there. Only who has the directory to itself may change them. */
function prepare(dataDir: string, file: string): void {
  try {
    using _ = lockDataDir(dataDir)
    prepareDatabase(file)
  } catch (error) {
    if (!(error instanceof AppError && 'pid' in error.details)) throw error
    // The service has it open, and has brought it up to date as it knows it.
    if (existsSync(file) && isAsWeKnowIt(file)) return
    throw new AppError(
      'storage_unavailable',
      'The service that runs on this data directory is of another release than this program. Restart it first.',
      { dataDir },
      { cause: error },
    )
  }
}

function isAsWeKnowIt(file: string): boolean {
  const db = openForReading(file)
  try {
    return isUpToDate(db)
  } finally {
    db.close()
  }
}
