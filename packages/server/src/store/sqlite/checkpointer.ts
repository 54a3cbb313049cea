import { Worker } from 'node:worker_threads'

export interface Checkpointer {
  /** A commit was made; it wrote about so many characters of events. */
  noteCommit(chars: number): void
  /** Ends the thread, and calls `done` when its connection is closed. */
  close(done: () => void): void
}

/** After so much it is time to move what lies in the write-ahead log into the database. */
const DUE = { commits: 500, chars: 4 * 1024 * 1024 }

/**
 * Has the write-ahead log of `file` moved into the database by a thread of its own, while commits go on: it takes tens
 * of milliseconds, and whoever appended meanwhile would wait for them. The thread starts when it is first needed.
 */
export function createCheckpointer(file: string): Checkpointer {
  let thread: Worker | undefined
  let isBusy = false
  let commits = 0
  let chars = 0

  function start(): Worker {
    const worker = new Worker(SCRIPT, { name: 'store-checkpointer', workerData: { file } })
    worker.on('message', () => {
      isBusy = false
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
    noteCommit(more) {
      commits++
      chars += more
      if (isBusy || (commits < DUE.commits && chars < DUE.chars)) return
      commits = 0
      chars = 0
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
