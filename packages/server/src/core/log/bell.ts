import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Bell } from '../ports.ts'

/** Listeners that are woken at a stretch. More would hold the event loop. */
const SLICE = 500

/**
 * A bell for one process. It rings at once when it is quiet; when waking everybody takes time, it rings again no sooner
 * than that time later. So readers get several events in one write exactly when there are too many for one each.
 */
export function createBell(): Bell {
  const rooms = new Map<ConversationId, Room>()

  return {
    ring(conversation) {
      const room = rooms.get(conversation)
      if (!room) return
      room.rung = true
      if (!room.isBusy) flush(room)
    },
    listen(conversation, wake) {
      const room: Room = rooms.get(conversation) ?? { listeners: new Set(), rung: false, isBusy: false }
      rooms.set(conversation, room)
      room.listeners.add(wake)
      return {
        [Symbol.dispose]() {
          room.listeners.delete(wake)
          if (room.listeners.size === 0 && rooms.get(conversation) === room) rooms.delete(conversation)
        },
      }
    },
  }
}

interface Room {
  readonly listeners: Set<() => void>
  /** It has rung since everybody was last woken. */
  rung: boolean
  /** Somebody is being woken, or it is too soon to do it again. */
  isBusy: boolean
}

function flush(room: Room): void {
  room.rung = false
  room.isBusy = true
  const begin = performance.now()
  wakeAll(room.listeners.values(), () => {
    const took = performance.now() - begin
    const again = () => {
      room.isBusy = false
      if (room.rung) flush(room)
    }
    if (took < 1) again()
    else setTimeout(again, took)
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
