import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Database } from '@claude-proxy/server/src/store/sqlite/open.ts'

export interface StoredRun {
  readonly state: 'accepted' | 'running' | 'ended'
  readonly begun_by: string
  readonly text: string
  readonly first: number
  readonly last: number | null
}

/** A conversation as it lies in the database. */
export interface Stored {
  readonly id: string
  readonly lines: readonly string[]
  readonly runs: readonly StoredRun[]
}

/**
 * What lies in a data directory that nobody works on, read from a copy: looking would put it in order. Throws when
 * the database is not sound in itself, or numbers have gaps.
 */
export function readStored(dataDir: string, scratch: string): readonly Stored[] {
  const copy = join(scratch, 'copy')
  mkdirSync(copy)
  try {
    for (const end of ['', '-wal', '-journal']) {
      const file = join(dataDir, `claude-proxy.db${end}`)
      if (existsSync(file)) copyFileSync(file, join(copy, `claude-proxy.db${end}`))
    }
    return readDatabase(join(copy, 'claude-proxy.db'))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** The same of a database file itself. */
export function readDatabase(file: string): readonly Stored[] {
  // Killed before it had made one.
  if (!existsSync(file)) return []
  const db = connect(file)
  try {
    // one moment of it: somebody may be writing
    db.exec('BEGIN')
    expectAnswer(db, 'PRAGMA integrity_check', '[{"integrity_check":"ok"}]')
    expectAnswer(db, 'PRAGMA foreign_key_check', '[]')
    const [schema] = db.prepare<{ user_version: number }>('PRAGMA user_version').all()
    return schema?.user_version === 0 ? [] : readConversations(db)
  } finally {
    db.close()
  }
}

function readConversations(db: Database): Stored[] {
  const chunks = db.prepare<{ first: number; n: number; lines: string }>(
    'SELECT first, n, lines FROM chunk WHERE c = ? ORDER BY first',
  )
  const runs = db.prepare<StoredRun>('SELECT state, begun_by, text, first, last FROM run WHERE c = ? ORDER BY first')
  const all = db.prepare<{ c: number; id: string; head: number }>('SELECT c, id, head FROM conversation').all()
  return all.map(({ c, id, head }) => {
    const lines: string[] = []
    for (const { first, n, lines: text } of chunks.iterate(c)) {
      const more = text.split('\n')
      const isWhole = more.pop() === '' && more.length === n
      if (first !== lines.length + 1 || !isWhole)
        throw new Error(`${id}: after event ${lines.length} lies a chunk of ${more.length} (${n}) from ${first}`)
      for (const line of more) lines.push(line)
    }
    if (lines.length !== head) throw new Error(`${id}: the head is ${head}, but there are ${lines.length} events`)
    return { id, lines, runs: runs.all(c) }
  })
}

function expectAnswer(db: Database, question: string, expected: string): void {
  const answer = JSON.stringify(db.prepare(question).all())
  if (answer !== expected) throw new Error(`${question}: ${answer.slice(0, 1000)}`)
}
