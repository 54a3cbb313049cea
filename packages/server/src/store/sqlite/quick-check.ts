import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { reasonOf } from './failure.ts'
import { connect } from './open.ts'

/** What SQLite finds wrong with the database; undefined when there is none. `isOpen`: a service has it now. Changes nothing. */
export function quickCheck(dataDir: string, isOpen: boolean): string[] | undefined {
  const file = join(dataDir, 'claude-proxy.db')
  if (!existsSync(file)) return undefined
  const log = `${file}-wal`
  const isWhole = !isOpen && !(existsSync(log) && statSync(log).size > 0)
  // Even a reader makes files beside a database with a log, unless it is told that nobody writes.
  const db = connect(isWhole ? `${pathToFileURL(file).href}?immutable=1` : file, true)
  try {
    const rows = db.prepare<{ quick_check: string }>('PRAGMA quick_check(10)').all()
    return rows.map((row) => row.quick_check).filter((text) => text !== 'ok')
  } catch (error) {
    return [reasonOf(error)]
  } finally {
    db.close()
  }
}
