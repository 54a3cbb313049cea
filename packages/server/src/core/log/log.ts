import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type {
  Appended,
  Begun,
  Bell,
  Clock,
  Log,
  NewApproval,
  NewRun,
  Page,
  Run,
  SettleApproval,
  Settled,
  Store,
} from '../ports.ts'
import { createTail, type Recent } from './tail.ts'

export interface EventLogDeps {
  readonly store: Store
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Log
  /** How long the bell is trusted: a lost ring costs at most this. */
  readonly doubtMs: number
}

export type EventLog = ReturnType<typeof createEventLog>

/** A slice of the log that is read at once. Larger ones would hold the event loop, smaller ones cost throughput. */
const PAGE_BYTES = 256 * 1024

/** How many ends of runs are remembered. A reader that comes later asks the store. */
const ENDS = 10_000

/** The log of all conversations: stores first, tells afterwards. */
export function createEventLog({ store, bell, clock, log, doubtMs }: EventLogDeps) {
  const tail = createTail()
  const ends = new Map<RunId, number>()
  /** The heads when we last looked for rings that were lost. */
  let looked = new Map<ConversationId, number>()
  let doubt: NodeJS.Timeout | undefined

  return {
    /** Stores a run with its first event. */
    async begin(run: NewRun): Promise<Begun> {
      const begun = await store.beginRun(run)
      if (begun.status === 'begun') tell(begun.run.conversation, begun.run.first, [run.line])
      return begun
    },

    /** Stores events of a run, lines of NDJSON without newlines, and the questions among them. */
    async append(run: Run, lines: readonly string[], asked?: readonly NewApproval[]): Promise<Appended> {
      const appended = await store.append(run.id, lines, clock.now(), asked)
      if (appended.status === 'stored') tell(run.conversation, appended.first, lines)
      return appended
    },

    /** Settles a question, with the event that says so. */
    async settle(input: SettleApproval): Promise<Settled> {
      const settled = await store.settleApproval(input)
      if (settled.status === 'settled') tell(settled.approval.conversation, settled.first, [input.line])
      return settled
    },

    /** Stores the last events of a run, closes it and frees its folder. */
    async end(run: Run, lines: readonly string[]): Promise<Appended> {
      const appended = await store.endRun(run.id, lines, clock.now())
      if (appended.status === 'stored') {
        noteEnd(run.id, appended.last)
        tell(run.conversation, appended.first, lines)
      }
      return appended
    },

    /** The number of a run's terminal event, if it ended lately in this process. */
    endOf: (run: RunId): number | undefined => ends.get(run),

    /** Events after `after`, if they are at hand. */
    recent: (conversation: ConversationId, after: number): Recent => tail.after(conversation, after),

    /** Events after `after` from the store; none if there are none. */
    async read(conversation: ConversationId, after: number): Promise<Page> {
      const fill = tail.filler(conversation)
      return fill(await store.page(conversation, after, PAGE_BYTES))
    },

    /** The number of a closed run's terminal event, as the store knows it. */
    lastOf: async (run: RunId): Promise<number | undefined> => (await store.run(run))?.last,

    /** Calls `wake` when the conversation has grown. */
    listen(conversation: ConversationId, wake: () => void): Disposable {
      const listener = bell.listen(conversation, wake)
      const hold = tail.hold(conversation, wake)
      doubt ??= setInterval(() => void lookForLostRings(), doubtMs)
      return {
        [Symbol.dispose]() {
          listener[Symbol.dispose]()
          hold[Symbol.dispose]()
          if (!tail.isEmpty) return
          clearInterval(doubt)
          doubt = undefined
        },
      }
    },
  }

  function tell(conversation: ConversationId, first: number, lines: readonly string[]): void {
    tail.add(conversation, first, lines)
    bell.ring(conversation)
  }

  function noteEnd(run: RunId, last: number): void {
    ends.set(run, last)
    if (ends.size <= ENDS) return
    for (const oldest of ends.keys()) {
      ends.delete(oldest)
      return
    }
  }

  /** What was stored without a ring reaching its readers, by whatever cause, is found by looking. */
  async function lookForLostRings(): Promise<void> {
    const before = looked
    looked = new Map()
    try {
      for (const conversation of tail.held()) {
        const head = (await store.conversation(conversation))?.head
        if (head !== tail.headOf(conversation)) tail.forget(conversation)
        if (head === before.get(conversation)) tail.rest(conversation)
        else tail.wake(conversation)
        if (head !== undefined) looked.set(conversation, head)
      }
    } catch (error) {
      log.error('the log could not be looked through', { error })
    }
  }
}
