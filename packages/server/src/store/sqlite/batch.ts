import { failure, storageFailure, type Failure } from './failure.ts'
import type { Database } from './open.ts'
import { writerOperations, type Operation } from './operations.ts'

/** What an operation came to: its value, or why it was refused. */
export type Outcome = { value: unknown } | { failure: Failure }

/** Commits operations together: one transaction, one fsync for all of them, an outcome for each. */
export function batches(db: Database): (batch: readonly Operation[]) => Outcome[] {
  const { operations, events } = writerOperations(db)
  const savepoint = db.prepare('SAVEPOINT operation')
  const release = db.prepare('RELEASE operation')
  const rollback = db.prepare('ROLLBACK TO operation')

  function attempt({ name, input }: Operation): Outcome {
    const mark = events.mark()
    savepoint.run()
    try {
      // the pair of name and input was checked where it was submitted
      const perform = operations[name] as (input: unknown) => unknown
      const value = perform(input)
      release.run()
      return { value }
    } catch (error) {
      // SQLite gave up the whole transaction (disk full, out of memory): what came before is gone as well
      if (!db.isTransaction) throw error
      rollback.run()
      release.run()
      events.forget(mark)
      return { failure: failure(error) }
    }
  }

  return (batch) => {
    try {
      db.exec('BEGIN IMMEDIATE')
      const outcomes = batch.map((operation) => attempt(operation))
      events.flush()
      db.exec('COMMIT')
      return outcomes
    } catch (error) {
      events.giveUp()
      if (db.isTransaction) db.exec('ROLLBACK')
      return batch.map(() => ({ failure: storageFailure(error) }))
    }
  }
}
