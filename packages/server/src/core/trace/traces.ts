import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { EventLog } from '../log/log.ts'
import { Reader } from '../log/reader.ts'
import type { Page } from '../ports/event.ts'
import type { Log } from '../ports/outside.ts'
import type { Store } from '../ports/store.ts'
import type { Tracer } from '../ports/tracing.ts'
import { RunTrace } from './run-trace.ts'

export interface TracesDeps {
  readonly events: EventLog
  readonly store: Store
  readonly log: Log
  /** Loads what sends spans. Asked for when the first run is to be traced. */
  readonly load: () => Promise<Tracer>
}

/** A run that a request has led to. */
export interface Requested {
  readonly conversation: ConversationId
  readonly run: RunId
  readonly at: number
  readonly isQueued: boolean
  readonly parent: string | undefined
}

export interface Traces {
  follow(requested: Requested): void
  /** Ends the spans of what is under way, and sends what there is. */
  close(): Promise<void>
}

/** How long the last spans may take to get to their collector. */
const LAST_MS = 1500

/** Traces of runs. Each is made by a reader of the log like any other: nothing in the way of a run knows of it. */
export function createTraces({ events, store, log, load }: TracesDeps): Traces {
  const readers = new Set<Reader>()
  let loading: Promise<Tracer | undefined> | undefined

  return {
    follow(requested) {
      follow(requested).catch((error: unknown) => {
        log.warn('a run could not be traced', { run: requested.run, error })
      })
    },

    async close() {
      const tracer = await loading
      for (const reader of readers) reader.end()
      await tracer?.close(LAST_MS)
    },
  }

  async function follow({ conversation, run, ...requested }: Requested): Promise<void> {
    loading ??= load().catch((error: unknown) => {
      log.error('traces cannot be sent', { error })
      return undefined
    })
    const tracer = await loading
    const first = (await store.run(run))?.first ?? (await store.prompt(run))?.first
    if (!tracer || first === undefined) return
    const attributes = { 'gen_ai.conversation.id': conversation, 'claude_proxy.run_id': run }
    const trace = new RunTrace(tracer, { run, attributes, ...requested })
    const over = (failure?: string) => {
      trace.close(failure)
      readers.delete(reader)
    }
    const reader: Reader = new Reader(
      events,
      { conversation, after: first - 1, until: { run } },
      {
        take(page) {
          for (const event of eventsOf(page)) trace.take(event)
          return true
        },
        end: () => over('unfinished'),
        fail(error) {
          log.warn('a run could not be traced to its end', { run, error })
          over('unreadable')
        },
      },
    )
    readers.add(reader)
  }
}

function eventsOf({ lines }: Page): object[] {
  const text = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString()
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): object => JSON.parse(line))
}
