import { Worker } from 'node:worker_threads'
import { AppError } from '@claude-proxy/protocol/errors'
import { type Metrics, UNCOUNTED } from '../../core/ports/metrics.ts'
import type { Log } from '../../core/ports/outside.ts'
import type { Outcome } from './batch.ts'
import { failure, storageFailure, toError } from './failure.ts'
import type { Input, Operation, OperationName, Output } from './operations.ts'
import type { Piece } from './pieces.ts'
import type { Reply, Request, WriterData } from './worker.ts'

export interface Writer {
  /** Resolves with what the operation came to, once that is on the disk. `lines`: what it stores, to bound a commit. */
  submit<N extends OperationName>(name: N, input: Input<N>, lines?: readonly Piece[]): Promise<Output<N>>
  /** Finishes what was submitted, then ends the thread. */
  close(): Promise<void>
}

/**
 * Starts the thread that writes to `file`. What is submitted while it is busy goes as one batch into its next
 * transaction; when it is idle, what one turn of the event loop submits goes at once. One message is under way at a
 * time. What comes before the thread has started waits for it. A thread that dies takes along what was pending (everything is rejected); the next operation starts another.
 */
export function openWriter(file: string, log: Log, script: URL = WORKER, metrics: Metrics = UNCOUNTED): Writer {
  let queue: Pending[] = []
  /** What the thread works on; empty while it starts or tidies, undefined when it waits for us. */
  let underway: Pending[] | undefined
  let isUntidy = false
  let isClosing = false
  let thread: Thread | undefined = start()

  return {
    submit(name, input, lines = []) {
      if (isClosing) return Promise.reject(new AppError('shutting_down', 'The store is closed.'))
      thread ??= start()
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      // name and input belong together by this function's signature
      queue.push({ operation: { name, input } as Operation, ...weight(lines), resolve, reject })
      if (queue.length === 1 && underway === undefined) setImmediate(pump)
      return promise as Promise<Output<typeof name>>
    },

    async close() {
      isClosing = true
      pump()
      await thread?.gone
    },
  }

  function pump(): void {
    if (underway !== undefined || thread === undefined) return
    const request = nextRequest()
    if (request === undefined) return
    underway = queue.splice(0, request.ask === 'commit' ? request.batch.length : 0)
    try {
      thread.post(request)
    } catch (error) {
      // something in the batch cannot travel between threads: nobody shall wait for it, nor those behind it
      const outcomes = underway.map(() => ({ failure: failure(error) }))
      receive({ outcomes, untidy: isUntidy })
    }
  }

  function nextRequest(): Request | undefined {
    if (queue.length > 0) {
      const batch = nextBatch(queue)
      const chars = batch.reduce((sum, pending) => sum + pending.chars, 0)
      return { ask: 'commit', batch: batch.map(({ operation }) => operation), chars }
    }
    if (isClosing) return { ask: 'close' }
    return isUntidy ? { ask: 'tidy' } : undefined
  }

  function receive(reply: Reply): void {
    const done = underway ?? []
    underway = undefined
    isUntidy = reply.untidy
    if (reply.commitMs !== undefined) metrics.committed(reply.commitMs)
    if (reply.outcomes === undefined && reply.failure !== undefined) log.warn('Tidying up failed.', reply.failure)
    for (const [index, pending] of done.entries()) settle(pending, reply.outcomes?.[index])
    // Those who have just heard are about to submit their next: together it is one commit, and otherwise two that take turns.
    setImmediate(pump)
  }

  function start(): Thread {
    const worker = new Worker(script, { name: 'store-writer', workerData: { file } satisfies WriterData })
    const gone = Promise.withResolvers<undefined>()
    let cause: unknown
    underway = []
    worker.on('message', (reply: Reply) => {
      receive(reply)
    })
    // a reply that cannot be read leaves its batch without an answer
    worker.on('messageerror', () => void worker.terminate())
    worker.on('error', (error) => {
      cause = error
      log.error('The thread that writes to the database failed.', { error })
    })
    worker.on('exit', (code) => {
      const error = toError(storageFailure(cause ?? new Error(`the writing thread ended with code ${code}`)))
      const lost = [...(underway ?? []), ...queue]
      queue = []
      underway = undefined
      thread = undefined
      for (const pending of lost) pending.reject(error)
      gone.resolve(undefined)
    })
    return { post: (request) => worker.postMessage(request, []), gone: gone.promise }
  }
}

interface Thread {
  post(request: Request): void
  readonly gone: Promise<undefined>
}

interface Pending {
  readonly operation: Operation
  readonly events: number
  readonly chars: number
  resolve(value: unknown): void
  reject(error: Error): void
}

// compiled, the neighbour is a .js file
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** A commit of more makes everybody wait for it, and its readers afterwards get it in one lump. */
const BATCH = { chars: 1024 * 1024, events: 4000 }

/** The operations that go into the next batch: at least one, however large it is. */
function nextBatch(queue: readonly Pending[]): readonly Pending[] {
  let events = 0
  let chars = 0
  const end = queue.findIndex((pending, index) => {
    events += pending.events
    chars += pending.chars
    return index > 0 && (events > BATCH.events || chars > BATCH.chars)
  })
  return queue.slice(0, end < 0 ? queue.length : end)
}

/** An operation without events counts as one: it is work as well. */
function weight(lines: readonly Piece[]): { events: number; chars: number } {
  let events = lines.length === 0 ? 1 : 0
  let chars = 0
  for (const { text, count } of lines) {
    events += count
    chars += text.length
  }
  return { events, chars }
}

function settle(pending: Pending, outcome: Outcome | undefined): void {
  if (outcome === undefined) pending.reject(new Error('the writing thread left an operation without an answer'))
  else if ('failure' in outcome) pending.reject(toError(outcome.failure))
  else pending.resolve(outcome.value)
}
