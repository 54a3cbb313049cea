import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Bell } from '../ports/outside.ts'

/** Listeners that are woken at a stretch. More would hold the event loop. */
const SLICE = 500

/**
 * A bell for one process. It rings at once when it is quiet; what rings while everybody is being woken becomes one ring
 * after that. So readers get several events in one write exactly when there are too many for one each.
 */
export function createBell(): Bell {
  const rooms = new Map<ConversationId, Room>()
  const everywhere = new Set<{ wake: (conversation: ConversationId) => void }>()

  return {
    ring(conversation) {
      for (const { wake } of everywhere) wake(conversation)
      const room = rooms.get(conversation)
      if (!room) return
      room.rung = true
      if (!room.isBusy) flush(room)
    },
    listen(conversation, wake) {
      const room: Room = rooms.get(conversation) ?? { listeners: new Set(), rung: false, isBusy: false }
      rooms.set(conversation, room)
      room.listeners.add(wake)
      return new Listener(rooms, conversation, wake)
    },
    listenAll(wake) {
      const listener = { wake }
      everywhere.add(listener)
      return { [Symbol.dispose]: () => void everywhere.delete(listener) }
    },
  }
}

/** There may be thousands of them: a class holds less than closures do. */
class Listener implements Disposable {
  readonly #rooms: Map<ConversationId, Room>
  readonly #conversation: ConversationId
  readonly #wake: () => void

  constructor(rooms: Map<ConversationId, Room>, conversation: ConversationId, wake: () => void) {
    this.#rooms = rooms
    this.#conversation = conversation
    this.#wake = wake
  }

  [Symbol.dispose](): void {
    const listeners = this.#rooms.get(this.#conversation)?.listeners
    listeners?.delete(this.#wake)
    if (listeners?.size === 0) this.#rooms.delete(this.#conversation)
  }
}

interface Room {
  readonly listeners: Set<() => void>
  /** It has rung since everybody was last woken. */
  rung: boolean
  /** Everybody is being woken. */
  isBusy: boolean
}

function flush(room: Room): void {
  room.rung = false
  room.isBusy = true
  wakeAll(room.listeners.values(), () => {
    room.isBusy = false
    // In a turn of its own: what is ready by then goes along.
    if (room.rung) setImmediate(() => room.rung && !room.isBusy && flush(room))
  })
}

function wakeAll(listeners: Iterator<() => void>, done: () => void): void {
  for (let n = 0; n < SLICE; n++) {
    const next = listeners.next()
    if (next.done) return done()
    next.value()
  }
  setImmediate(() => wakeAll(listeners, done))
}
