import type { Frame } from './event-stream.ts'

/** What clients were shown, all of them together: whoever sees an event again has to see the same bytes. */
export interface Ledger {
  /** Somebody has seen this event; throws when somebody else has seen another one there. */
  readonly note: (conversation: string, frame: Frame) => void
  /** Throws unless everything that was seen in the conversation is in `stored`, under its number. */
  readonly compare: (conversation: string, stored: readonly string[]) => void
  readonly conversations: () => Iterable<string>
  /** How many events were seen, each counted once. */
  readonly size: number
}

export function createLedger(): Ledger {
  const seen = new Map<string, string[]>()
  let size = 0

  return {
    note(conversation, { id, data }) {
      let lines = seen.get(conversation)
      if (lines === undefined) seen.set(conversation, (lines = []))
      const before = lines[id]
      if (before !== undefined && before !== data) throw different(conversation, id, before, data)
      if (before === undefined) size++
      lines[id] = data
    },
    compare(conversation, stored) {
      for (const [id, data] of (seen.get(conversation) ?? []).entries()) {
        // readers that began late leave holes
        if (data === undefined || stored[id - 1] === data) continue
        throw different(conversation, id, data, stored[id - 1])
      }
    },
    conversations: () => seen.keys(),
    get size() {
      return size
    },
  }
}

/** One reader's way through a conversation, over all its connections: no gap, no repeat. */
export function createCursor(conversation: string, ledger: Ledger) {
  let last = 0
  let isInContinued = false
  return {
    get last() {
      return last
    },
    /** The last that it has seen is of a run that the service began by itself. */
    get isInContinued() {
      return isInContinued
    },
    take(frame: Frame): void {
      if (frame.id !== last + 1) throw new Error(`${conversation}: after event ${last} came ${frame.id}`)
      last = frame.id
      if (beginsContinued(frame.data)) isInContinued = true
      else if (frame.data.startsWith('{"type":"result"')) isInContinued = false
      ledger.note(conversation, frame)
    },
  }
}

/** The first event of a run that tells the agent what was decided after a restart: nobody has sent a prompt for it. */
export function beginsContinued(line: string): boolean {
  return line.startsWith('{"type":"system","subtype":"run_continued"')
}

export type Cursor = ReturnType<typeof createCursor>

function different(conversation: string, id: number, before: string, after: string | undefined): Error {
  const [was, is] = [before, after ?? 'nothing'].map((text) => text.slice(0, 300))
  return new Error(`${conversation}: event ${id} was ${was} and is now ${is}`)
}
