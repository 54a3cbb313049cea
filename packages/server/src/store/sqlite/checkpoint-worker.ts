import { parentPort, workerData } from 'node:worker_threads'
import { openForWriting } from './open.ts'

/** The thread that moves the write-ahead log into the database. It takes no lock that a commit or a reader waits for. */

if (parentPort === null) throw new Error('checkpoint-worker.ts is the inside of a worker thread')
const port = parentPort
const { file }: { file: string } = workerData
const db = openForWriting(file)

port.on('message', (request: 'checkpoint' | 'close') => {
  if (request === 'checkpoint') {
    // Commits go on meanwhile: the second time little is left.
    db.exec('PRAGMA wal_checkpoint(PASSIVE); PRAGMA wal_checkpoint(PASSIVE)')
    port.postMessage('done')
  } else {
    db.close()
    port.close()
  }
})
