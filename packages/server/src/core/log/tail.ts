import type { ConversationId } from '@claude-proxy/protocol/ids'
import { skipLines } from '@claude-proxy/protocol/frames'
import type { Page, StoredPage } from '../ports/event.ts'
import { inSlices } from '../slices.ts'
import { upTo } from './pages.ts'

/** What is kept of one conversation, and of all together. Readers that are further behind go to the store. */
const ROOM_BYTES = 2 * 1024 * 1024
const TOTAL_BYTES = 64 * 1024 * 1024
/** How much of it lies in one block: each is twice as large as the one before. */
const BLOCK_BYTES = { least: 4 * 1024, most: 256 * 1024 }
/** How many pages are remembered that readers were given: who is at the same place gets the very same, and what was made of it. */
const GIVEN = 8

/** `level`: there is nothing newer. `unknown`: ask the store. */
export type Recent = Page | 'level' | 'unknown'

interface Room {
  /** How its readers are woken. */
  readonly readers: Set<() => void>
  blocks: Block[]
  bytes: number
  /** The number of the newest event, as far as it is known. */
  head: number | undefined
  /** By the number of their first event. */
  readonly given: Map<number, Page>
  /** Goes up with every change, so that an answer of the store that took its time is not taken for the newest. */
  changes: number
}

/**
 * Consecutive events, one behind the other in memory that is written once. There is no object for each of them: at 20,000
 * a second those would be most of what the collector has to do.
 */
interface Block {
  readonly first: number
  count: number
  readonly bytes: Buffer
  /** How much of it is written. */
  used: number
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
        blocks: [],
        bytes: 0,
        head: undefined,
        given: new Map(),
        changes: 0,
      }
      rooms.set(conversation, room)
      room.readers.add(wake)
      return new Hold(letGo, conversation, wake)
    },

    /** Takes in events that were just stored. */
    add(conversation: ConversationId, first: number, lines: readonly string[]): void {
      const room = rooms.get(conversation)
      if (!room) return
      // Told out of order: the store knows.
      if (room.head !== undefined && first <= room.head) return clear(room)
      if (room.head !== first - 1) clear(room)
      room.head = first + lines.length - 1
      room.changes++
      const size = lines.reduce((sum, { length }) => sum + length + 1, 0)
      const block = blockFor(room, first, size)
      for (const line of lines) {
        block.used += block.bytes.write(line, block.used, 'latin1')
        block.bytes[block.used++] = NEWLINE
      }
      block.count += lines.length
      // The newest block stays, however large: its readers are about to ask for it.
      while (room.bytes > ROOM_BYTES && room.blocks.length > 1) drop(room)
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
        const begin = room.blocks[0]?.first ?? stored.head + 1
        const last = stored.first + stored.count - 1
        if (last < begin - 1) return stored
        if (room.blocks.length === 0) room.head = stored.head
        const { first, count, lines } = stored
        // No longer the reader's own.
        const page = upTo({ first, count, lines }, begin - 1)
        if (page.count <= 0 || room.bytes + page.lines.length > ROOM_BYTES) return stored
        room.changes++
        const { length } = page.lines
        const bytes = Buffer.from(page.lines.buffer, page.lines.byteOffset, length)
        room.blocks.unshift({ first, count: page.count, bytes, used: length })
        grow(room, length)
        return remember(room, page)
      }
    },

    /** Events after `after`. */
    after(conversation: ConversationId, after: number): Recent {
      const room = rooms.get(conversation)
      if (room?.head === undefined) return 'unknown'
      // Who is further than this has it from the store; the news is on its way here.
      if (after >= room.head) return 'level'
      const begin = room.blocks[0]?.first
      if (begin === undefined || after < begin - 1) return 'unknown'
      return room.given.get(after + 1) ?? remember(room, pageAfter(room.blocks, after))
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
      inSlices(rooms.get(conversation)?.readers ?? [], (wake) => wake())
    },

    /** Nobody holds anything. */
    get isEmpty(): boolean {
      return rooms.size === 0
    },

    /** The conversations that are held. */
    held: () => rooms.keys(),
  }

  function letGo(conversation: ConversationId, wake: () => void): void {
    const room = rooms.get(conversation)
    room?.readers.delete(wake)
    if (!room || room.readers.size > 0) return
    rooms.delete(conversation)
    clear(room)
  }

  /** Where `size` bytes of events from `first` on are to be written. */
  function blockFor(room: Room, first: number, size: number): Block {
    const last = room.blocks.at(-1)
    if (last && last.used + size <= last.bytes.length) return last
    const { least, most } = BLOCK_BYTES
    const length = Math.max(size, Math.min(most, last ? 2 * last.bytes.length : least))
    const block = { first, count: 0, bytes: Buffer.allocUnsafeSlow(length), used: 0 }
    room.blocks.push(block)
    grow(room, length)
    return block
  }

  function grow(room: Room, bytes: number): void {
    room.bytes += bytes
    total += bytes
    if (total > TOTAL_BYTES) for (const other of rooms.values()) if (other !== room) clear(other)
  }

  function drop(room: Room): void {
    const size = room.blocks.shift()?.bytes.length ?? 0
    room.bytes -= size
    total -= size
  }

  function clear(room: Room): void {
    total -= room.bytes
    room.changes++
    room.blocks = []
    room.given.clear()
    room.bytes = 0
    room.head = undefined
  }
}

type LetGo = (conversation: ConversationId, wake: () => void) => void

/** There may be thousands of them: a class holds less than closures do. */
class Hold implements Disposable {
  readonly #letGo: LetGo
  readonly #conversation: ConversationId
  readonly #wake: () => void

  constructor(letGo: LetGo, conversation: ConversationId, wake: () => void) {
    this.#letGo = letGo
    this.#conversation = conversation
    this.#wake = wake
  }

  [Symbol.dispose](): void {
    this.#letGo(this.#conversation, this.#wake)
  }
}

const NEWLINE = 10

/** A single reader does not come to the same place again. */
function remember({ given, readers }: Room, page: Page): Page {
  if (readers.size < 2) return page
  const shared = { ...page, isShared: true }
  given.set(page.first, shared)
  for (const oldest of given.keys()) {
    if (given.size <= GIVEN) break
    given.delete(oldest)
  }
  return shared
}

/** What follows `after` in its block. */
function pageAfter(blocks: readonly Block[], after: number): Page {
  const block = blocks[indexOf(blocks, after + 1)]
  if (block === undefined) throw new Error('the tail has a gap')
  const { first, count, bytes, used } = block
  const skipped = after + 1 - first
  const lines = bytes.subarray(0, used)
  return { first: after + 1, count: count - skipped, lines: lines.subarray(skipLines({ lines, count }, skipped)) }
}

/** Where the block that holds event `number` is. */
function indexOf(blocks: readonly Block[], number: number): number {
  let low = 0
  let high = blocks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((blocks[middle]?.first ?? 0) <= number) low = middle
    else high = middle - 1
  }
  return low
}
