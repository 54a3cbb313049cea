import { setImmediate as nextTick } from 'node:timers/promises'
import type { FeedPlace } from '@claude-proxy/protocol/feed'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { FeedPage } from '../ports/feed.ts'
import type { Feed } from './feed.ts'
import type { Sink } from './reader.ts'
import { chosen, type Choice } from './choice.ts'

export interface FeedWatch extends Choice {
  /** Where the reader is; undefined: before everything. */
  readonly after: FeedPlace | undefined
}

/**
 * Delivers the events of many conversations after a place: the stored ones first, then new ones as they happen, for
 * ever. It is the loop of `Reader`, with the feed in place of one conversation:
 *
 *   pulling   takes pages until it is level, or the sink is full
 *   waiting   level; a ring of any conversation wakes it
 *   full      the sink has enough; `resume` wakes it
 *   closed    nobody reads any more
 */
export class FeedReader {
  readonly #feed: Feed
  readonly #sink: Sink<FeedPage>
  readonly #choice: Choice
  readonly #only: readonly ConversationId[] | undefined
  readonly #listener: Disposable
  #place: FeedPlace | undefined
  /** It was at the end: what comes next is read once for all who were, also what it has not asked for. */
  #isLevel = false
  #isRung = false
  #isFull = false
  #isReading = false
  #isClosed = false
  #isEnding = false

  /** Begins to read in the next microtask: the first page does not come before the caller has its reader. */
  constructor(feed: Feed, { after, ...choice }: FeedWatch, sink: Sink<FeedPage>) {
    this.#feed = feed
    this.#sink = sink
    this.#choice = choice
    this.#only = choice.only && [...choice.only]
    this.#place = after
    const pull = () => this.#pull()
    this.#listener = feed.listen(pull)
    queueMicrotask(pull)
  }

  /** The place behind all that was delivered, and behind what was passed over since. */
  get place(): FeedPlace | undefined {
    return this.#place
  }

  /** Whether there is no end to what it delivers. */
  get isEndless(): boolean {
    return true
  }

  isAbout(conversation: ConversationId): boolean {
    return this.#choice.only?.has(conversation) ?? false
  }

  /** Keeps nothing of what was read for it: some of it is no longer there. */
  forget(): void {
    this.#feed.forget()
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
  }

  #pull(): void {
    this.#isRung = true
    if (!this.#isReading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      while (!this.#isClosed && !this.#isFull && (this.#isRung || !this.#isLevel)) {
        this.#isRung = false
        const only = this.#isLevel ? undefined : this.#only
        const page = await this.#feed.read(this.#place, only)
        if (this.#isClosed) return
        this.#deliver(page)
        this.#isLevel = page.isLevel && (only !== undefined || this.#feed.isEnd(page))
        if (this.#isLevel && this.#isEnding && !this.#isRung) return this.#finish()
        // The socket of a fast reader never says stop: without this, one replay would hold everybody else.
        if (!this.#isLevel) await nextTick()
      }
    } catch (error) {
      this.close()
      this.#sink.fail(error)
    } finally {
      this.#isReading = false
    }
  }

  #deliver(page: FeedPage): void {
    const part = chosen(page, this.#choice)
    if (part.batches.length > 0) this.#isFull = !this.#sink.take(part)
    this.#place = page.next
  }

  #finish(): void {
    this.close()
    this.#sink.end()
  }
}
