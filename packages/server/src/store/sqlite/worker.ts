import { parentPort, workerData } from 'node:worker_threads'
import { batches, type Outcome } from './batch.ts'
import { createCheckpointer } from './checkpointer.ts'
import { removing } from './delete.ts'
import { dropAllStaged } from './staging.ts'
import { failure, type Failure } from './failure.ts'
import { openForWriting } from './open.ts'
import type { Operation } from './operations.ts'
import { sealing } from './seal.ts'
import { shrinking } from './shrink.ts'

/** The thread that writes: it does what it is asked, one message at a time, and answers each with one reply. */

export type Request =
  | { ask: 'commit'; batch: readonly Operation[]; chars: number }
  /** A step of the work that can wait: sealing, removing what was deleted, and giving space back. */
  | { ask: 'tidy' }
  | { ask: 'close' }

/** `untidy`: there is work that can wait. `commitMs`: how long the transaction took. */
export type Reply =
  | { untidy: boolean; outcomes: Outcome[]; commitMs?: number }
  | { untidy: boolean; outcomes?: undefined; commitMs?: undefined; failure?: Failure | undefined }

/** What a step of the work that can wait rewrites, about. */
const STEP_CHARS = 512 * 1024

export interface WriterData {
  readonly file: string
}

if (parentPort === null) throw new Error('worker.ts is the inside of a worker thread; start it with openWriter')
const port = parentPort
const { file }: WriterData = workerData
const db = openForWriting(file)
dropAllStaged(db)
const commit = batches(db)
const seal = sealing(db)
const remove = removing(db)
const shrink = shrinking(db)
const checkpointer = createCheckpointer(file, finishCheckpoint)

port.on('message', (request: Request) => {
  if (request.ask === 'commit') work(request)
  else if (request.ask === 'tidy') answer(tidy())
  else close()
})
answer({ untidy: isUntidy() })

function work({ batch, chars }: { batch: readonly Operation[]; chars: number }): void {
  const begun = performance.now()
  const outcomes = commit(batch)
  answer({ outcomes, commitMs: performance.now() - begun, untidy: isUntidy() })
  checkpointer.noteCommit(batch.length, chars)
}

/** Between two commits, so that nothing is added meanwhile: with nothing left in it, the log starts over. */
function finishCheckpoint(): void {
  try {
    db.exec('PRAGMA wal_checkpoint(PASSIVE)')
  } catch {
    // a disk that is full or fails: the log stays as it is, and the next commit says so
  }
}

function isUntidy(): boolean {
  return seal.isDue() || remove.isDue() || shrink.isDue()
}

function tidy(): Reply {
  try {
    if (seal.isDue() || remove.isDue()) {
      if (seal.isDue()) seal.step()
      else remove.step()
      shrink.noteRewriting()
      checkpointer.noteCommit(0, STEP_CHARS)
    } else if (shrink.hasIdlePages()) {
      shrink.giveBackPages()
      checkpointer.noteCommit(0, STEP_CHARS)
    } else if (!checkpointer.isBusy) {
      // while it is busy, this is asked for again: a few milliseconds
      shrink.giveBackLog()
    }
    return { untidy: isUntidy() }
  } catch (error) {
    // nothing is lost by it; the next commit asks again
    return { untidy: false, failure: failure(error) }
  }
}

function close(): void {
  checkpointer.close(() => {
    db.close()
    port.close()
  })
}

function answer(reply: Reply): void {
  port.postMessage(reply)
}
