import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Bell, Listener } from '../ports.ts'

/** A bell for one process. */
export function createBell(): Bell {
  const rooms = new Map<ConversationId, Set<() => void>>()

  return {
    ring(conversation) {
      for (const wake of rooms.get(conversation) ?? []) wake()
    },
    listen(conversation) {
      const room = rooms.get(conversation) ?? new Set()
      rooms.set(conversation, room)
      return createListener(room, () => {
        if (room.size === 0 && rooms.get(conversation) === room) rooms.delete(conversation)
      })
    },
  }
}

function createListener(room: Set<() => void>, left: () => void): Listener {
  // A ring between two waits must not be lost: the reader may just be looking at the store.
  let rung = false
  let resume: (() => void) | undefined
  const hear = () => {
    rung = true
    resume?.()
  }
  room.add(hear)

  return {
    async next(atMostMs, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, atMostMs)
          signal.addEventListener('abort', done)
          resume = done
          function done() {
            clearTimeout(timer)
            signal.removeEventListener('abort', done)
            resume = undefined
            resolve()
          }
        })
      }
      rung = false
    },
    [Symbol.dispose]() {
      room.delete(hear)
      left()
    },
  }
}
