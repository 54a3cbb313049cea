import type { EventPayload } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { PartialUpdate } from '../ports/partial.ts'
import type { Run } from '../ports/run.ts'
import { Drafts, type Seen } from './drafts.ts'

/** How often the readers of a conversation are woken at most: tokens come faster than anybody reads. */
const PACE_MS = 40

export type Partials = ReturnType<typeof createPartials>

/** What an open run shows, as the host writes it. */
export interface Sketch {
  /** The agent shows something. */
  show(update: PartialUpdate): void
  /** This event is on its way into the store: what it replaces is gone, and the rest is kept back until it is there. */
  supersede(payload: EventPayload): void
  /** Everything up to event `after` is stored, and nothing is on its way. */
  settle(after: number): void
  /** The run is over, or nearly: nothing of it is shown any more. */
  close(): void
}

/** Somebody who wants to be shown what is not stored yet. */
export interface Onlooker extends Disposable {
  /** What is new, as lines of JSON, for one who has all events up to `position`. */
  news(position: number): readonly string[]
}

interface Room {
  readonly wakes: Set<() => void>
  drafts: Drafts | undefined
  /** The number of the run's last event. */
  after: number
  /** Events are on their way into the store: what is shown belongs behind them. */
  isHeld: boolean
  /** Runs while its readers are left alone. */
  pause: NodeJS.Timeout | undefined
  /** Something has come since they were last woken. */
  isDue: boolean
}

/**
 * What agents are about to say, for those who want to see it: in memory only, one state a conversation. Its readers are
 * woken and pull, like those of the log, and each gets the difference to what it has; nothing is queued for anybody.
 *
 * Nobody is shown anything ahead of an event that it follows, nor behind the event that replaces it: it is taken off
 * before that event goes into the store, and what follows it is shown when it is there.
 */
export function createPartials(paceMs = PACE_MS) {
  const rooms = new Map<ConversationId, Room>()

  return {
    /** A run begins to show what it is about to say. */
    begin({ conversation, id, first }: Run): Sketch {
      const room = enter(conversation)
      const drafts = new Drafts(id)
      room.drafts = drafts
      room.after = first
      room.isHeld = false
      // The next run may be here already.
      const isOurs = () => room.drafts === drafts
      return {
        show(update) {
          if (!isOurs()) return
          drafts.apply(update)
          wake(room)
        },
        supersede(payload) {
          if (!isOurs()) return
          drafts.supersede(payload)
          room.isHeld = true
        },
        settle(after) {
          if (!isOurs()) return
          room.after = after
          room.isHeld = false
          if (room.isDue) wake(room)
        },
        close() {
          if (!isOurs()) return
          room.drafts = undefined
          leave(conversation, room)
        },
      }
    },

    /** Calls `wake` when there may be news. */
    open(conversation: ConversationId, listener: () => void): Onlooker {
      const room = enter(conversation)
      room.wakes.add(listener)
      let seen: Seen = new Map()
      return {
        news(position) {
          if (!room.drafts) return []
          if (room.isHeld || position < room.after) {
            room.isDue = true
            return []
          }
          const news = room.drafts.newsFor(seen, room.after)
          seen = news.seen
          return news.lines
        },
        [Symbol.dispose]() {
          room.wakes.delete(listener)
          leave(conversation, room)
        },
      }
    },
  }

  function enter(conversation: ConversationId): Room {
    const room: Room = rooms.get(conversation) ?? {
      wakes: new Set(),
      drafts: undefined,
      after: 0,
      isHeld: false,
      pause: undefined,
      isDue: false,
    }
    rooms.set(conversation, room)
    return room
  }

  function leave(conversation: ConversationId, room: Room): void {
    if (room.wakes.size > 0 || room.drafts) return
    clearTimeout(room.pause)
    if (rooms.get(conversation) === room) rooms.delete(conversation)
  }

  /** Wakes the readers at once, if they have had their pause; else after it. */
  function wake(room: Room): void {
    if (room.wakes.size === 0) return
    room.isDue = true
    if (room.pause || room.isHeld) return
    room.isDue = false
    room.pause = setTimeout(() => {
      room.pause = undefined
      if (room.isDue) wake(room)
    }, paceMs)
    for (const listener of room.wakes) listener()
  }
}
