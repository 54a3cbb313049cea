import { parentPort } from 'node:worker_threads'
import type { Reply, Request } from '../../src/store/sqlite/worker.ts'

/**
 * Stands in for worker.ts: it answers everything, and dies when it is asked to set the session `die` or `throw`; of
 * `die later` it dies when it has answered.
 */
parentPort?.on('message', (request: Request) => {
  if (request.ask === 'close') parentPort?.close()
  if (request.ask !== 'commit') return
  for (const { name, input } of request.batch) {
    if (name === 'setSession' && input.sessionId === 'die') process.exit(3)
    if (name === 'setSession' && input.sessionId === 'die later')
      setImmediate(() => {
        throw new Error('thrown on purpose')
      })
    if (name === 'setSession' && input.sessionId === 'throw') throw new Error('thrown on purpose')
  }
  answer({ untidy: false, outcomes: request.batch.map(() => ({ value: undefined })) })
})
answer({ untidy: false })

function answer(reply: Reply): void {
  parentPort?.postMessage(reply, [])
}
