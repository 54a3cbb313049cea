import { setImmediate as nextTick } from 'node:timers/promises'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Page } from '../ports.ts'
import type { EventLog } from './log.ts'
import { upTo } from './pages.ts'

/** Where events go. */
export interface Sink {
  /** Takes a page. False: that is enough, until `resume`. */
  take(page: Page): boolean
  /** Everything has been delivered. */
  end(): void
  /** The log cannot be read. */
  fail(error: unknown): void
}

export interface Watch {
  readonly conversation: ConversationId
  /** The number of the last event the reader has. */
  readonly after: number
  /** Where it ends: with this run, or with this event. */
  readonly until: { readonly run: RunId } | { readonly last: number }
}

export interface Reader {
  /** The sink wants more. */
  resume(): void
  /** Delivers what there is, and waits for nothing that is still to come. */
  end(): void
  close(): void
}

/**
 * Delivers the events after `after`: the stored ones first, then new ones as they happen, up to `until`. Every live
 * reader is this loop. It holds a position and pulls; nothing is queued for it, so a slow one costs nothing but that.
 *
 *   pulling   takes pages, from memory or the store, until it is level, the sink is full, or all is delivered
 *   waiting   level; the bell wakes it
 *   full      the sink has enough; `resume` wakes it
 *   closed    everything is delivered, or nobody reads any more
 */
export function openReader(log: EventLog, { conversation, after, until }: Watch, sink: Sink): Reader {
  const run = 'run' in until ? until.run : undefined
  let last = 'last' in until ? until.last : undefined
  let position = after
  let isFull = false
  let isReading = false
  let isClosed = false
  let isEnding = false
  const listener = log.listen(conversation, pull)
  // The first page must not come before the caller has its reader.
  queueMicrotask(pull)

  return {
    resume() {
      isFull = false
      pull()
    },
    end() {
      isEnding = true
      pull()
    },
    close,
  }

  function pull(): void {
    if (isClosed) return
    while (!isFull && !isReading) {
      if (run !== undefined) last ??= log.endOf(run)
      if (last !== undefined && position >= last) return finish()
      const recent = log.recent(conversation, position)
      if (recent === 'level') return isEnding ? finish() : undefined
      if (recent === 'unknown') return void look()
      deliver(recent)
    }
  }

  /** Asks the store for the next page, and whether the run is over: nobody tells who comes later. */
  async function look(): Promise<void> {
    isReading = true
    try {
      const page = await log.read(conversation, position)
      if (run !== undefined) last ??= await log.lastOf(run)
      if (isClosed) return
      if (page.count > 0) {
        deliver(page)
        // The socket of a fast reader never says stop: without this, one replay would hold everybody else.
        await nextTick()
      }
    } catch (error) {
      close()
      sink.fail(error)
    }
    isReading = false
    pull()
  }

  function deliver(page: Page): void {
    // What follows belongs to the next run.
    const part = last === undefined ? page : upTo(page, last)
    position = part.first + part.count - 1
    isFull = !sink.take(part)
  }

  function finish(): void {
    close()
    sink.end()
  }

  function close(): void {
    if (isClosed) return
    isClosed = true
    listener[Symbol.dispose]()
  }
}
