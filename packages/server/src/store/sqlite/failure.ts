import { AppError, type ErrorCode } from '@claude-proxy/protocol/errors'
import type { Json } from '@claude-proxy/protocol/json'

/** An error on its way between threads, where classes and extra fields of errors get lost. */
export interface Failure {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly details: Record<string, Json>
  readonly cause: unknown
}

/** The error of one operation. What the disk or the system did is `storage_unavailable`; a mistake of ours stays one. */
export function failure(error: unknown): Failure {
  if (error instanceof AppError)
    return { code: error.code, message: error.message, details: error.details, cause: error }
  if (ENVIRONMENT.has(sqliteCode(error))) return storageFailure(error)
  return { code: undefined, message: String(error), details: {}, cause: error }
}

/** The error of everything that was to be committed together. */
export function storageFailure(error: unknown): Failure {
  const reason = reasonOf(error)
  const todo = sqliteCode(error) === FULL ? 'Free some disk space and try again.' : 'See the log of the service.'
  return {
    code: 'storage_unavailable',
    message: `Nothing was stored, the database refused it (${reason}). ${todo}`,
    details: {},
    cause: error,
  }
}

/** The failure as the error that a caller gets. */
export function toError({ code, message, details, cause }: Failure): Error {
  return code === undefined ? new Error(message, { cause }) : new AppError(code, message, details, { cause })
}

/** What an error says, for a sentence that says more. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === BUSY
}

/** Whether the file is not, or no longer, a database that can be read. */
export function isDamaged(error: unknown): boolean {
  return [CORRUPT, NOTADB].includes(sqliteCode(error))
}

/** SQLite's primary result code; 0 for errors that are not SQLite's. */
function sqliteCode(error: unknown): number {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return 0
  return error.errcode & 0xff
}

const BUSY = 5
const CORRUPT = 11
const FULL = 13
const NOTADB = 26

// PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOLFS, NOTADB
const ENVIRONMENT = new Set([3, BUSY, 6, 7, 8, 9, 10, CORRUPT, FULL, 14, 15, 22, NOTADB])
