import { Worker } from 'node:worker_threads'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Log } from '../../../core/ports/outside.ts'
import type { SearchIndex } from '../../../core/ports/search.ts'
import { storageFailure, toError } from '../failure.ts'
import { discardIndex, indexFile } from './file.ts'
import type { IndexOperations } from './index.ts'
import type { Ask, Reply, Request } from './worker.ts'

/**
 * The index in `search.db` of the data directory, in a thread of its own, which starts with the first question and reads the
 * store by itself: that must be there by then, and be closed later. The file may be removed at any time between two starts; a damaged one is thrown away. A thread that dies takes along what was asked; the
 * next question starts another.
 */
export function openSqliteSearch({ dataDir, log }: { dataDir: string; log: Log }): SearchIndex {
  const file = indexFile(dataDir)
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let asked = 0
  let isClosed = false
  let thread: { worker: Worker; gone: Promise<undefined> } | undefined

  function ask<N extends Ask>(name: N, input?: Parameters<IndexOperations[N]>[0]) {
    if (isClosed) return Promise.reject(new AppError('shutting_down', 'The index is closed.'))
    thread ??= start()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const request: Request = { id: ++asked, ask: name, input }
    pending.set(request.id, { resolve, reject })
    thread.worker.postMessage(request, [])
    // the worker does what it is asked
    return promise as Promise<ReturnType<IndexOperations[N]>>
  }

  function receive(reply: Reply): void {
    const waiting = pending.get(reply.id)
    pending.delete(reply.id)
    if ('value' in reply) return waiting?.resolve(reply.value)
    if (reply.lost) log.warn('The search index was damaged; it is made anew.', { file, cause: reply.failure.message })
    waiting?.reject(toError(reply.failure))
  }

  function start() {
    const worker = new Worker(WORKER, { name: 'search', workerData: { dataDir } })
    const gone = Promise.withResolvers<undefined>()
    let cause: unknown
    worker.on('message', receive)
    worker.on('messageerror', () => void worker.terminate())
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => {
      thread = undefined
      const error = toError(storageFailure(cause ?? new Error(`the search thread ended with code ${code}`)))
      for (const each of pending.values()) each.reject(error)
      pending.clear()
      gone.resolve(undefined)
    })
    return { worker, gone: gone.promise }
  }

  return {
    positions: () => ask('positions'),
    catchUp: (conversations, atMostBytes) => ask('catchUp', { conversations, atMostBytes }),
    everywhere: (query, each) => ask('everywhere', { query, each }),
    within: (query, conversations, each, before) => ask('within', { query, conversations, each, before }),
    tidy: () => ask('tidy'),
    async close() {
      isClosed = true
      thread?.worker.postMessage('close', [])
      await thread?.gone
    },
  }
}

/** Removes the index of a data directory: without a search, nothing keeps it in step with what is deleted. */
export function discardSqliteSearch(dataDir: string): void {
  discardIndex(indexFile(dataDir))
}

// compiled, the neighbour is a .js file
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
