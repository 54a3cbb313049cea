import { certain } from '../../core/certain.ts'
import { BUSY_TIMEOUT_MS, type Database } from './open.ts'

/** What may lie idle in the file: the next chunks use it again. */
const IDLE_BYTES = 512 * 1024
/** What `PRAGMA auto_vacuum` answers for it. */
const INCREMENTAL = 2
/** How much one step gives back; an append that arrives meanwhile waits for it. */
const STEP_PAGES = 64

/**
 * Gives space that sealing and deletion have freed back to the disk: out of the database a little at a time, and at the
 * end out of the write-ahead log. Each step may be the last one at any moment.
 */
export function shrinking(db: Database) {
  let isLogFull = false
  const free = db.prepare<{ freelist_count: number }>('PRAGMA freelist_count')
  const size = certain(db.prepare<{ page_size: number }>('PRAGMA page_size').get(), 'a size').page_size
  // A database that was not made for it keeps its pages, however often it is asked.
  const canShrink = db.prepare<{ auto_vacuum: number }>('PRAGMA auto_vacuum').get()?.auto_vacuum === INCREMENTAL
  const hasIdlePages = () => canShrink && certain(free.get(), 'a count').freelist_count * size > IDLE_BYTES

  return {
    /** Whether there is more free than is good to have. */
    isDue: (): boolean => isLogFull || hasIdlePages(),
    /** Whether that is in the database. */
    hasIdlePages,
    giveBackPages(): void {
      db.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`)
      isLogFull = true
    },
    /** Waits for no reader: what one still needs stays in the log until the next time. */
    giveBackLog(): void {
      db.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)')
      db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
      isLogFull = false
    },
    /** Something was rewritten: the log is longer than it need be. */
    noteRewriting(): void {
      isLogFull = true
    },
  }
}
