import type { ConversationId } from '@claude-proxy/protocol/ids'
import { skipLines } from '@claude-proxy/protocol/frames'
import type { Page } from '../ports.ts'

/** What is kept of one conversation, and of all together. Readers that are further behind go to the store. */
const ROOM_BYTES = 512 * 1024
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
  /** The last pages given out together, for the next reader at the same place. */
  joined: { after: number; page: Page } | undefined
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
        joined: undefined,
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
      if (room.head !== first - 1) clear(room)
      const page = { first, count: lines.length, lines: Buffer.from(`${lines.join('\n')}\n`, 'latin1') }
      room.joined = undefined
      room.head = first + lines.length - 1
      room.pages.push(page)
      room.bytes += page.lines.length
      total += page.lines.length
      // The newest page stays, however large: its readers are about to ask for it.
      while (room.bytes > ROOM_BYTES && room.pages.length > 1) drop(room)
      if (total > TOTAL_BYTES) for (const other of rooms.values()) if (other !== room) clear(other)
    },

    /** Events after `after`. */
    after(conversation: ConversationId, after: number): Recent {
      const room = rooms.get(conversation)
      if (room?.head === after) return 'level'
      const begin = room?.pages[0]?.first
      if (room?.head === undefined || begin === undefined || after < begin - 1 || after > room.head) return 'unknown'
      if (room.joined?.after !== after) room.joined = { after, page: join(room.pages, after) }
      return room.joined.page
    },

    /** The store says that this is the newest event. */
    noteHead(conversation: ConversationId, head: number): void {
      const room = rooms.get(conversation)
      if (room) room.head ??= head
    },

    /** The number of the newest event, as far as it is known here. */
    headOf: (conversation: ConversationId): number | undefined => rooms.get(conversation)?.head,

    /** Forgets what is kept of the conversation. */
    forget(conversation: ConversationId): void {
      const room = rooms.get(conversation)
      if (room) clear(room)
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

  function drop(room: Room): void {
    const size = room.pages.shift()?.lines.length ?? 0
    room.bytes -= size
    total -= size
  }

  function clear(room: Room): void {
    total -= room.bytes
    room.pages = []
    room.bytes = 0
    room.head = undefined
    room.joined = undefined
  }
}

/** What follows `after`, in one piece as far as it is not too much. */
function join(pages: readonly Page[], after: number): Page {
  const from = pages.findLastIndex(({ first }) => first <= after + 1)
  const parts: Page[] = []
  let bytes = 0
  for (const page of pages.slice(from)) {
    if (parts.length > 0 && bytes + page.lines.length > PAGE_BYTES) break
    parts.push(page)
    bytes += page.lines.length
  }
  const [only] = parts
  const whole =
    only && parts.length === 1
      ? only
      : {
          first: only?.first ?? after + 1,
          count: parts.reduce((sum, { count }) => sum + count, 0),
          lines: Buffer.concat(parts.map(({ lines }) => lines)),
        }
  const skipped = after + 1 - whole.first
  if (skipped === 0) return whole
  return {
    first: after + 1,
    count: whole.count - skipped,
    lines: whole.lines.subarray(skipLines(whole.lines, skipped)),
  }
}
