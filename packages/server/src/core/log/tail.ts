import type { ConversationId } from '@claude-proxy/protocol/ids'
import { skipLines } from '@claude-proxy/protocol/frames'
import type { Page, StoredPage } from '../ports/event.ts'
import { upTo } from './pages.ts'

/** What is kept of one conversation, and of all together. Readers that are further behind go to the store. */
const ROOM_BYTES = 2 * 1024 * 1024
const TOTAL_BYTES = 64 * 1024 * 1024
/** How much a reader is given at once. */
const PAGE_BYTES = 256 * 1024

/** `level`: there is nothing newer. `unknown`: ask the store. */
export type Recent = Page | 'level' | 'unknown'

interface Room {
  /** How its readers are woken. */
  readonly readers: Set<() => void>
  pages: Page[]
  bytes: number
  /** The number of the newest event, as far as it is known. */
  head: number | undefined
  /** What a reader was given last: it rarely comes alone. */
  given: Page | undefined
  /** Goes up with every change, so that an answer of the store that took its time is not taken for the newest. */
  changes: number
}

/**
 * The newest events of conversations that are being read, once for all their readers: a cache before the store, filled
 * with what was just stored. Losing any of it costs a read of the store and nothing else.
 */
export function createTail() {
  const rooms = new Map<ConversationId, Room>()
  let total = 0

  return {
    /** Keeps what is added to the conversation, until everybody who asked for it has let go. */
    hold(conversation: ConversationId, wake: () => void): Disposable {
      const room: Room = rooms.get(conversation) ?? {
        readers: new Set(),
        pages: [],
        bytes: 0,
        head: undefined,
        given: undefined,
        changes: 0,
      }
      rooms.set(conversation, room)
      room.readers.add(wake)
      return {
        [Symbol.dispose]() {
          room.readers.delete(wake)
          if (room.readers.size > 0 || rooms.get(conversation) !== room) return
          rooms.delete(conversation)
          clear(room)
        },
      }
    },

    /** Takes in events that were just stored. */
    add(conversation: ConversationId, first: number, lines: readonly string[]): void {
      const room = rooms.get(conversation)
      if (!room) return
      // Told out of order: the store knows.
      if (room.head !== undefined && first <= room.head) return clear(room)
      if (room.head !== first - 1) clear(room)
      const page: Page = {
        first,
        count: lines.length,
        lines: Buffer.from(`${lines.join('\n')}\n`, 'latin1'),
      }
      room.head = first + lines.length - 1
      room.pages.push(page)
      grow(room, page)
      // The newest page stays, however large: its readers are about to ask for it.
      while (room.bytes > ROOM_BYTES && room.pages.length > 1) drop(room)
    },

    /**
     * Asked before the store is; takes in its answer if that reaches up to what is here or to the end, for all who come
     * back at the same time. Returns the page to go on with.
     */
    filler(conversation: ConversationId): (page: StoredPage) => Page {
      const room = rooms.get(conversation)
      const before = room?.changes
      return (stored) => {
        if (!room || room.changes !== before) return stored
        const begin = room.pages[0]?.first ?? stored.head + 1
        const last = stored.first + stored.count - 1
        if (last < begin - 1) return stored
        if (room.pages.length === 0) room.head = stored.head
        const { first, count, lines } = stored
        // No longer the reader's own.
        const page = upTo({ first, count, lines }, begin - 1)
        if (page.count <= 0 || room.bytes + page.lines.length > ROOM_BYTES) return stored
        room.pages.unshift(page)
        grow(room, page)
        return page
      }
    },

    /** Events after `after`. */
    after(conversation: ConversationId, after: number): Recent {
      const room = rooms.get(conversation)
      if (room?.head === undefined) return 'unknown'
      // Who is further than this has it from the store; the news is on its way here.
      if (after >= room.head) return 'level'
      const begin = room.pages[0]?.first
      if (begin === undefined || after < begin - 1) return 'unknown'
      if (room.given?.first !== after + 1) room.given = pageAfter(room.pages, after)
      return room.given
    },

    /** The number of the newest event, as far as it is known here. */
    headOf: (conversation: ConversationId): number | undefined => rooms.get(conversation)?.head,

    /** Forgets what is kept of the conversation. */
    forget(conversation: ConversationId): void {
      const room = rooms.get(conversation)
      if (room) clear(room)
    },

    /** Nothing has come for a while: who still reads what is kept here can do without it. */
    rest(conversation: ConversationId): void {
      const room = rooms.get(conversation)
      if (!room) return
      const { head } = room
      clear(room)
      room.head = head
    },

    /** Wakes the readers of the conversation, without the bell. */
    wake(conversation: ConversationId): void {
      for (const wake of rooms.get(conversation)?.readers ?? []) wake()
    },

    /** Nobody holds anything. */
    get isEmpty(): boolean {
      return rooms.size === 0
    },

    /** The conversations that are held. */
    held: () => rooms.keys(),
  }

  function grow(room: Room, page: Page): void {
    room.changes++
    room.bytes += page.lines.length
    total += page.lines.length
    if (total > TOTAL_BYTES) for (const other of rooms.values()) if (other !== room) clear(other)
  }

  function drop(room: Room): void {
    const size = room.pages.shift()?.lines.length ?? 0
    room.bytes -= size
    total -= size
  }

  function clear(room: Room): void {
    total -= room.bytes
    room.changes++
    room.pages = []
    room.given = undefined
    room.bytes = 0
    room.head = undefined
  }
}

/**
 * The page that follows `after`. Small pages that follow it become one with it, for good: whoever is at the same place,
 * now or later, gets the very same page, and what was made of it.
 */
function pageAfter(pages: Page[], after: number): Page {
  const index = indexOf(pages, after + 1)
  const page = pages[index]
  if (page === undefined) throw new Error('the tail has a gap')
  const skipped = after + 1 - page.first
  if (skipped > 0) {
    const lines = page.lines.subarray(skipLines(page, skipped))
    return { first: after + 1, count: page.count - skipped, lines }
  }
  let end = index
  for (let bytes = 0; end < pages.length; end++) {
    bytes += pages[end]?.lines.length ?? 0
    if (bytes > PAGE_BYTES) break
  }
  if (end - index <= 1) return page
  const joined = join(pages.slice(index, end))
  pages.splice(index, end - index, joined)
  return joined
}

/** Where the page that holds event `number` is. */
function indexOf(pages: readonly Page[], number: number): number {
  let low = 0
  let high = pages.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((pages[middle]?.first ?? 0) <= number) low = middle
    else high = middle - 1
  }
  return low
}

function join(pages: readonly Page[]): Page {
  return {
    first: pages[0]?.first ?? 0,
    count: pages.reduce((sum, { count }) => sum + count, 0),
    lines: Buffer.concat(pages.map(({ lines }) => lines)),
  }
}
