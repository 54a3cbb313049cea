import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Added, Changed, NewPrompt, Prompt, PromptBegun, PromptChange } from '../ports/prompt.ts'
import type { Appended, Page } from '../ports/event.ts'
import type { RunEnding } from '../ports/account.ts'
import type { Begun, NewRun, Run } from '../ports/run.ts'
import { type Metrics, UNCOUNTED } from '../ports/metrics.ts'
import type { Bell, Clock, Log } from '../ports/outside.ts'
import type { NewApproval, SettleApproval, Settled } from '../ports/approval.ts'
import type { SettingsChange, SettingsChanged } from '../ports/settings.ts'
import type { Store } from '../ports/store.ts'
import { createTail, type Recent } from './tail.ts'

export interface EventLogDeps {
  readonly store: Store
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Log
  /** How long the bell is trusted: a lost ring costs at most this. */
  readonly doubtMs: number
  readonly metrics?: Metrics
}

export type EventLog = ReturnType<typeof createEventLog>

/** A slice of the log that is read at once. Larger ones would hold the event loop, smaller ones cost throughput. */
const PAGE_BYTES = 256 * 1024

/** Conversations that are looked at at a stretch for rings that were lost. More would hold the event loop. */
const LOOKS = 100

/** What was stored is told by then. */
const UNTOLD_MS = 50

/** How many ends of runs are remembered. A reader that comes later asks the store. */
const ENDS = 10_000

/** The log of all conversations: stores first, tells afterwards. */
export function createEventLog({ store, bell, clock, log, doubtMs, metrics = UNCOUNTED }: EventLogDeps) {
  const tail = createTail()
  const ends = new Map<RunId, number>()
  /** The prompts that open runs have taken on their way: they end where the run does. */
  const taken = new Map<RunId, RunId[]>()
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

    /** Stores the last events of a run, closes it, keeps what it came to and frees its folder. */
    async end(run: Run, lines: readonly string[], ending: RunEnding): Promise<Appended> {
      const appended = await store.endRun(run.id, lines, clock.now(), ending)
      if (appended.status === 'stored') {
        metrics.runEnded(ending.outcome, ending.usage)
        noteEnd(run.id, appended.last)
        for (const prompt of taken.get(run.id) ?? []) noteEnd(prompt, appended.last)
        taken.delete(run.id)
        tell(run.conversation, appended.first, lines)
      }
      return appended
    },

    /** Stores an event that is no run's. Its number; undefined: there is no such conversation. */
    async note(conversation: ConversationId, line: string): Promise<number | undefined> {
      const number = await store.addNote(conversation, line, clock.now())
      if (number !== undefined) tell(conversation, number, [line])
      return number
    },

    /** Keeps other settings of a conversation. */
    async changeSettings(change: SettingsChange): Promise<SettingsChanged> {
      const changed = await store.changeSettings(change)
      if (changed.status === 'changed') tell(change.id, changed.number, [change.line])
      return changed
    },

    /** Stores a prompt that has to wait, or that is to steer a run, with the event that tells of it. */
    async addPrompt(prompt: NewPrompt): Promise<Added> {
      const added = await store.addPrompt(prompt)
      if (added.status === 'added') tell(added.prompt.conversation, added.prompt.first, [prompt.line])
      return added
    },

    /** Stores what happens to such a prompt. */
    async changePrompt(change: PromptChange): Promise<Changed> {
      const changed = await store.changePrompt(change)
      if (changed.status !== 'changed') return changed
      const { prompt, number } = changed
      if (prompt.last !== undefined) noteEnd(prompt.id, prompt.last)
      if (prompt.state === 'steered' && prompt.into !== undefined)
        taken.set(prompt.into, [...(taken.get(prompt.into) ?? []), prompt.id])
      tell(prompt.conversation, number, [change.line])
      return changed
    },

    /** Makes a run of such a prompt. */
    async beginPrompt(prompt: Prompt, line: string): Promise<PromptBegun> {
      const begun = await store.beginPrompt({ id: prompt.id, text: prompt.text, line, at: clock.now() })
      if (begun.status === 'begun') tell(begun.run.conversation, begun.run.first, [line])
      return begun
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

    /** Where the readers of a run end, as the store knows it; also of a prompt that never became one. */
    async lastOf(id: RunId): Promise<number | undefined> {
      const run = await store.run(id)
      if (run) return run.last
      const prompt = await store.prompt(id)
      // It went with its conversation: there is nothing to wait for.
      if (!prompt) return 0
      if (prompt.state !== 'steered' || prompt.into === undefined) return prompt.last
      return (await store.run(prompt.into))?.last
    },

    /** Calls `wake` when the conversation has grown. */
    listen(conversation: ConversationId, wake: () => void): Disposable {
      doubt ??= setInterval(() => void lookForLostRings(), doubtMs)
      return new Listening(bell.listen(conversation, wake), tail.hold(conversation, wake), rest)
    },
  }

  /** When nobody listens, nobody waits for what was lost. */
  function rest(): void {
    if (!tail.isEmpty) return
    clearInterval(doubt)
    doubt = undefined
  }

  function tell(conversation: ConversationId, first: number, lines: readonly string[]): void {
    metrics.eventsStored(lines.length)
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
    /** Conversations of which the store had other events, with the number that was the last one here. */
    const others = new Map<ConversationId, number | undefined>()
    let looks = 0
    try {
      for (const conversation of tail.held()) {
        if (++looks % LOOKS === 0) await nextTick()
        const known = tail.headOf(conversation)
        const head = (await store.conversation(conversation))?.head
        if (head !== known) others.set(conversation, known)
        else if (head === before.get(conversation)) tail.rest(conversation)
        else tail.wake(conversation)
        if (head !== undefined) looked.set(conversation, head)
      }
      // While much happens, something is always stored and about to be told. To forget all that is at hand for that would
      // send every reader to the store.
      if (others.size > 0) await sleep(UNTOLD_MS)
      for (const [conversation, known] of others) {
        if (tail.headOf(conversation) === known) tail.forget(conversation)
        tail.wake(conversation)
      }
    } catch (error) {
      log.error('the log could not be looked through', { error })
    }
  }
}

/** There may be thousands of them: a class holds less than closures do. */
class Listening implements Disposable {
  readonly #listener: Disposable
  readonly #hold: Disposable
  readonly #after: () => void

  constructor(listener: Disposable, hold: Disposable, after: () => void) {
    this.#listener = listener
    this.#hold = hold
    this.#after = after
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]()
    this.#hold[Symbol.dispose]()
    this.#after()
  }
}
