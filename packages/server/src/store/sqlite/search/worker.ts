import { parentPort, workerData } from 'node:worker_threads'
import { join } from 'node:path'
import { readEvents } from '../events.ts'
import { failure, type Failure, isDamaged } from '../failure.ts'
import { openForReading } from '../open.ts'
import { discardIndex, indexFile, openIndex } from './file.ts'
import { indexOperations, type IndexOperations } from './index.ts'

/** The thread of the index: it does what it is asked, one message after the other. */

export type Ask = keyof IndexOperations

export interface Request {
  readonly id: number
  readonly ask: Ask
  readonly input: unknown
}

/** `lost`: the index was damaged and is empty now. */
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure; readonly lost: boolean }

if (parentPort === null) throw new Error('worker.ts is the inside of a worker thread; start it with openSqliteSearch')
const port = parentPort
const { dataDir }: { dataDir: string } = workerData
const file = indexFile(dataDir)
const store = openForReading(join(dataDir, 'claude-proxy.db'))
const events = readEvents(store)
let { db, operations } = open()

port.on('message', (request: Request | 'close') => {
  if (request !== 'close') return port.postMessage(answer(request), [])
  db.close()
  store.close()
  port.close()
})

function answer({ id, ask, input }: Request): Reply {
  try {
    // the pair of name and input was checked where it was asked
    const perform = operations[ask] as (input: unknown) => unknown
    return { id, value: perform(input) }
  } catch (error) {
    const lost = isDamaged(error)
    if (lost) startOver()
    return { id, failure: failure(error), lost }
  }
}

function open() {
  try {
    return openOnce()
  } catch (error) {
    if (!isDamaged(error)) throw error
    discardIndex(file)
    // Nobody has asked for this; it is told all the same.
    port.postMessage({ id: 0, failure: failure(error), lost: true } satisfies Reply, [])
    return openOnce()
  }
}

function openOnce() {
  const opened = openIndex(file)
  return { db: opened, operations: indexOperations(opened, events) }
}

function startOver(): void {
  db.close()
  discardIndex(file)
  ;({ db, operations } = open())
}
