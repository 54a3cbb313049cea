import type { FeedPlace } from '@claude-proxy/protocol/feed'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { FeedPage } from '../ports/feed.ts'
import type { Bell, Log } from '../ports/outside.ts'
import type { Store } from '../ports/store.ts'

export interface FeedDeps {
  readonly store: Store
  readonly bell: Bell
  readonly log: Log
  /** How long the bell is trusted: a lost ring costs at most this. */
  readonly doubtMs: number
}

export type Feed = ReturnType<typeof createFeed>

const PAGE_BYTES = 256 * 1024
/** How many pages are kept for those who come to the same place a little later. */
const KEPT_PAGES = 16

/** The log of all conversations as one, for those who read many of them. Without readers it costs nothing. */
export function createFeed({ store, bell, log, doubtMs }: FeedDeps) {
  const readers = new Set<() => void>()
  /** Pages of all conversations by the place that they follow: those who are level read the same ones. */
  const pages = new Map<string, Promise<FeedPage>>()
  /** Those of them that are just being read, and may not have what has been stored meanwhile. */
  const underway = new Set<string>()
  /** The place behind which nothing was stored when it was last looked, and nobody has rung since. */
  let end: string | undefined
  let listener: Disposable | undefined
  let doubt: NodeJS.Timeout | undefined
  let knownEnd: number | undefined
  let isRung = false

  return {
    /** For those who listen: the page after a place, or the first; of some conversations, or of all. */
    async read(after: FeedPlace | undefined, only: readonly ConversationId[] | undefined): Promise<FeedPage> {
      if (only !== undefined || after === undefined) return store.feed(after, only, PAGE_BYTES)
      const key = keyOf(after)
      const known = pages.get(key)
      if (known) return known
      const page = store.feed(after, undefined, PAGE_BYTES)
      pages.set(key, page)
      underway.add(key)
      await settle(key, page)
      return page
    },

    /** Whether a page that was read here ends where the feed does: it may have been read for others, some time ago. */
    isEnd: ({ next }: FeedPage): boolean => keyOf(next) === end,

    /** Calls `wake` when any conversation has grown: once for all that is stored together. */
    listen(wake: () => void): Disposable {
      readers.add(wake)
      listener ??= bell.listenAll(ring)
      doubt ??= setInterval(() => void lookForLostRings(), doubtMs)
      return {
        [Symbol.dispose]() {
          readers.delete(wake)
          if (readers.size > 0) return
          listener?.[Symbol.dispose]()
          clearInterval(doubt)
          listener = undefined
          doubt = undefined
          knownEnd = undefined
          end = undefined
          pages.clear()
        },
      }
    },

    /** Keeps nothing of what was read: some of it is no longer there. */
    forget: (): void => pages.clear(),
  }

  async function settle(key: string, page: Promise<FeedPage>): Promise<void> {
    // whoever asked for it hears of a failure
    const read = await page.catch(() => undefined)
    const isNewest = underway.delete(key)
    if (read?.isLevel && isNewest) end = keyOf(read.next)
    // nothing comes after this place yet, or nobody reads any more
    if (!read || read.batches.length === 0 || readers.size === 0) {
      if (pages.get(key) === page) pages.delete(key)
      return
    }
    for (const oldest of pages.keys()) {
      if (pages.size <= KEPT_PAGES) return
      pages.delete(oldest)
    }
  }

  /** In a turn of its own: what is stored together is told of one by one, and read at once. */
  function ring(): void {
    if (isRung) return
    isRung = true
    setImmediate(() => {
      isRung = false
      for (const key of underway) pages.delete(key)
      underway.clear()
      end = undefined
      for (const wake of readers) wake()
    })
  }

  async function lookForLostRings(): Promise<void> {
    try {
      const { commit } = await store.feedHead()
      if (commit !== knownEnd) ring()
      knownEnd = commit
    } catch (error) {
      log.error('the feed could not be looked at', { error })
    }
  }
}

function keyOf({ commit, events }: FeedPlace): string {
  return `${commit} ${events}`
}
