import { setImmediate as nextTick } from 'node:timers/promises'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Onlooker, Partials } from '../partials/partials.ts'
import type { Page } from '../ports/event.ts'
import type { EventLog } from './log.ts'
import { upTo } from './pages.ts'

/** Where events go. */
export interface Sink<P = Page> {
  /** Takes a page. False: that is enough, until `resume`. */
  take(page: P): boolean
  /** Everything has been delivered. */
  end(): void
  /** The log cannot be read. */
  fail(error: unknown): void
}

/** Where goes, besides, what is not stored yet. */
export interface PartialSink {
  readonly partials: Partials
  /** Everything so far is on its way. What is new waits for that: the difference is made when it can go. */
  isDrained(): boolean
  /** Takes what is new, as lines of JSON. */
  show(lines: readonly string[]): void
}

export interface Watch {
  readonly conversation: ConversationId
  /** The number of the last event the reader has. */
  readonly after: number
  /** Where it ends: with this run, with this event, or never. */
  readonly until: { readonly run: RunId } | { readonly last: number } | 'never'
}

/**
 * Delivers the events after `after`: the stored ones first, then new ones as they happen, up to `until`. Every live
 * reader is this loop. It holds a position and pulls; nothing is queued for it, so a slow one costs nothing but that.
 *
 *   pulling   takes pages, from memory or the store, until it is level, the sink is full, or all is delivered
 *   waiting   level; the bell wakes it. One that wants partials is shown what is new of them, and woken by them, too
 *   full      the sink has enough; `resume` wakes it
 *   closed    everything is delivered, or nobody reads any more
 */
export class Reader {
  readonly #log: EventLog
  readonly #sink: Sink
  readonly #conversation: ConversationId
  readonly #run: RunId | undefined
  readonly #listener: Disposable
  readonly #partialSink: PartialSink | undefined
  readonly #onlooker: Onlooker | undefined
  #last: number | undefined
  #position: number
  #isFull = false
  #isReading = false
  #isClosed = false
  #isEnding = false

  /** Begins to read in the next microtask: the first page does not come before the caller has its reader. */
  constructor(log: EventLog, { conversation, after, until }: Watch, sink: Sink, partialSink?: PartialSink) {
    this.#log = log
    this.#sink = sink
    this.#conversation = conversation
    this.#run = until !== 'never' && 'run' in until ? until.run : undefined
    this.#last = until !== 'never' && 'last' in until ? until.last : undefined
    this.#position = after
    const pull = () => this.#pull()
    this.#listener = log.listen(conversation, pull)
    this.#partialSink = partialSink
    this.#onlooker = partialSink?.partials.open(conversation, pull)
    queueMicrotask(pull)
  }

  /** Whether there is no end to what it delivers. */
  get isEndless(): boolean {
    return this.#run === undefined && this.#last === undefined
  }

  isAbout(conversation: ConversationId): boolean {
    return conversation === this.#conversation
  }

  /** The sink wants more. */
  resume(): void {
    this.#isFull = false
    this.#pull()
  }

  /** Delivers what there is, and waits for nothing that is still to come. */
  end(): void {
    this.#isEnding = true
    this.#pull()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener[Symbol.dispose]()
    this.#onlooker?.[Symbol.dispose]()
  }

  #pull(): void {
    if (this.#isClosed) return
    while (!this.#isFull && !this.#isReading) {
      if (this.#run !== undefined) this.#last ??= this.#log.endOf(this.#run)
      if (this.#last !== undefined && this.#position >= this.#last) return this.#finish()
      const recent = this.#log.recent(this.#conversation, this.#position)
      if (recent === 'level') return this.#isEnding ? this.#finish() : this.#showPartials()
      if (recent === 'unknown') return void this.#look()
      this.#deliver(recent)
    }
  }

  /** Asks the store for the next page, and whether the run is over: nobody tells who comes later. */
  async #look(): Promise<void> {
    this.#isReading = true
    try {
      const page = await this.#log.read(this.#conversation, this.#position)
      if (this.#run !== undefined) this.#last ??= await this.#log.lastOf(this.#run)
      if (this.#isClosed) return
      if (page.count > 0) {
        this.#deliver(page)
        // The socket of a fast reader never says stop: without this, one replay would hold everybody else.
        await nextTick()
      }
    } catch (error) {
      this.close()
      this.#sink.fail(error)
    }
    this.#isReading = false
    this.#pull()
  }

  #deliver(page: Page): void {
    // What follows belongs to the next run.
    const part = this.#last === undefined ? page : upTo(page, this.#last)
    this.#position = part.first + part.count - 1
    this.#isFull = !this.#sink.take(part)
  }

  #showPartials(): void {
    if (!this.#onlooker || !this.#partialSink?.isDrained()) return
    const lines = this.#onlooker.news(this.#position)
    if (lines.length > 0) this.#partialSink.show(lines)
  }

  #finish(): void {
    this.close()
    this.#sink.end()
  }
}
