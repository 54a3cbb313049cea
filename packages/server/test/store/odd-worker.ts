import { parentPort } from 'node:worker_threads'
import type { Reply, Request } from '../../src/store/sqlite/worker.ts'

/** Stands in for worker.ts: it leaves the first operation of each batch without an answer, and fails at tidying up. */
parentPort?.on('message', ({ ask }: Request) => {
  if (ask === 'close') parentPort?.close()
  if (ask === 'commit') answer({ untidy: true, outcomes: [] })
  if (ask === 'tidy')
    answer({ untidy: false, failure: { code: undefined, message: 'The disk is full.', details: {}, cause: undefined } })
})
answer({ untidy: false })

function answer(reply: Reply): void {
  parentPort?.postMessage(reply, [])
}
