import { Worker } from 'node:worker_threads'

export interface Checkpointer {
  /** The log is being moved: nobody else can. */
  readonly isBusy: boolean
  /** A commit was made of so many operations, with about so many characters of events. */
  noteCommit(operations: number, chars: number): void
  /** Ends the thread, and calls `done` when its connection is closed. */
  close(done: () => void): void
}

/**
 * After so many pages, as far as they can be guessed, it is time to move what lies in the write-ahead log into the
 * database. Often: a log that starts over within the length it has costs a fraction of one that grows.
 */
const DUE_PAGES = 2000
const PAGE_CHARS = 4096

/**
 * Has the write-ahead log of `file` moved into the database by a thread of its own, while commits go on: it takes tens
 * of milliseconds, and whoever appended meanwhile would wait for them. The thread starts when it is first needed. `finish`
 * is called when next to nothing is left in the log: once that is moved as well, the log starts over.
 */
export function createCheckpointer(file: string, finish: () => void): Checkpointer {
  let thread: Worker | undefined
  let isBusy = false
  let pages = 0

  function start(): Worker {
    const worker = new Worker(SCRIPT, { name: 'store-checkpointer', workerData: { file } })
    worker.on('message', () => {
      isBusy = false
      finish()
    })
    // Without it, SQLite does the same in the writing thread, only later and in one go (see open.ts).
    worker.on('error', () => {})
    worker.on('exit', () => {
      thread = undefined
      isBusy = false
    })
    return worker
  }

  return {
    get isBusy() {
      return isBusy
    },
    noteCommit(operations, chars) {
      // A few pages that change with every commit, one in the index for each conversation, and the events themselves.
      pages += 4 + operations + chars / PAGE_CHARS
      if (isBusy || pages < DUE_PAGES) return
      pages = 0
      isBusy = true
      thread ??= start()
      thread.postMessage('checkpoint', [])
    },
    close(done) {
      if (thread === undefined) return done()
      thread.once('exit', done)
      thread.postMessage('close', [])
    },
  }
}

// compiled, the neighbour is a .js file
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js',
  import.meta.url,
)
