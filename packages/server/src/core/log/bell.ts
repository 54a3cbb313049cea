import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Bell } from '../ports/outside.ts'
import { inSlices } from '../slices.ts'

/**
 * After everybody was woken, the bell rests: so many times as long as that took, and no longer than this. To write much to
 * many costs a third less than to write a little more often; but in a long rest more would come than is at hand for all.
 */
const REST = { times: 3, mostMs: 6 }

/**
 * A bell for one process. It rings at once when it is quiet; what rings while everybody is being woken, or shortly after,
 * becomes one ring. So readers get several events in one write exactly when there are too many for one each.
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
  const begun = performance.now()
  inSlices(
    room.listeners,
    (wake) => wake(),
    () => {
      const rest = Math.min(REST.times * (performance.now() - begun), REST.mostMs)
      // In a turn of its own: what is ready by then goes along.
      if (rest < 1) setImmediate(wakeAgain, room)
      else setTimeout(wakeAgain, rest, room)
    },
  )
}

function wakeAgain(room: Room): void {
  room.isBusy = false
  if (room.rung) flush(room)
}
