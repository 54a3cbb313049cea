import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { connect, createPrivateFile, type Database } from '../open.ts'

/** Counts up whenever texts are read, cut into words or laid out in another way: an index that is older is made anew. */
const FORMAT = 1

/**
 * Opens the index in `file`, and makes one where there is none of today's form. Nothing here is worth an fsync for each
 * commit: after a power cut the index is whole (write-ahead log) and a moment older, which is what it may be at any time.
 */
export function openIndex(file: string): Database {
  createPrivateFile(file)
  const db = connect(file)
  try {
    const { user_version: format } = db.prepare<{ user_version: number }>('PRAGMA user_version').get() ?? {}
    if (format !== FORMAT && db.prepare('SELECT 1 FROM sqlite_schema').get() !== undefined) return renew(db, file)
    // What is deleted is overwritten, and its space is given back.
    db.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL')
    db.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216')
    if (format !== FORMAT) db.exec(SCHEMA)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Removes the index in a data directory, if there is one. */
export function discardIndex(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}

export function indexFile(dataDir: string): string {
  return join(dataDir, 'search.db')
}

function renew(db: Database, file: string): Database {
  db.close()
  discardIndex(file)
  return openIndex(file)
}

// `s` is given out once: rows of a conversation that was forgotten are never taken for those of another. The words come
// folded and parted by blanks (`core/search/words.ts`), so that the plainest tokenizer leaves them as they are. The text
// itself is not kept: it is in the log.
const SCHEMA = `
  BEGIN;
  CREATE TABLE conversation (s INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, up_to INTEGER NOT NULL) STRICT;
  CREATE TABLE forgotten (s INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE remains (since INTEGER PRIMARY KEY) STRICT;
  CREATE VIRTUAL TABLE event USING fts5 (
    words, content = '', contentless_delete = 1, detail = full, tokenize = 'ascii', prefix = '3'
  );
  PRAGMA user_version = ${FORMAT};
  COMMIT;
`
