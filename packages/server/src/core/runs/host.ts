import {
  asInterrupted,
  budgetEvent,
  errorResult,
  type EventPayload,
  interruptedResult,
  type ResultPayload,
  wokenEvent,
} from '@claude-proxy/protocol/events'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import type { Approvals } from '../approvals/approvals.ts'
import { verdict } from '../approvals/rules.ts'
import { folderBusy } from '../conversations.ts'
import { attached } from '../attachments/attached.ts'
import type { Budget } from '../budget.ts'
import type { EventLog } from '../log/log.ts'
import type { Partials } from '../partials/partials.ts'
import { findSaid } from '../said.ts'
import type { Agent, Happening, Job, Wake, Work } from '../ports/agent.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { Attachment, AttachmentFiles } from '../ports/attachment.ts'
import type { Prompt } from '../ports/prompt.ts'
import type { Run, RunOptions } from '../ports/run.ts'
import type { Adjusted, Adjustments } from '../ports/settings.ts'
import type { Store } from '../ports/store.ts'
import type { KeptSettings } from '../settings/keep.ts'
import { optionsUnder } from '../settings/rules.ts'
import type { AgentFacts } from '../ports/account.ts'
import { costOf, endingOf, NOTHING, sumByModel, type Tally, withFacts } from './account.ts'
import { needsTrust } from './options.ts'
import { createFollow, failureResult, NOT_STORED, type QueueHooks } from './follow.ts'
import { createWriter } from './writer.ts'
import { timestamp } from '../timestamp.ts'

export interface HostDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Log
  readonly agent: Agent
  readonly approvals: Approvals
  /** Where what agents are about to say is shown; undefined where that is not wanted. */
  readonly partials: Partials | undefined
  readonly files: AttachmentFiles
  readonly settings: KeptSettings
  readonly budget: Budget
  readonly newRunId: () => RunId
}

export type Host = ReturnType<typeof createHost>

const STOPPED = 'The service was stopped while this run was working.'
/** A terminal event that cannot be stored is tried again: until it is, the folder stays busy. */
const RETRY_END_MS = 1000
/** So many events before a run are looked through for what was said last. */
const LATELY = 32

interface Active {
  readonly run: Run
  readonly work: Work
  /** Resolves when the terminal event is stored. */
  readonly ended: Promise<void>
  /** What the agent has used and said so far. */
  tally: Tally
  /** Its terminal event is on its way into the store. */
  isEnding: boolean
  /** Puts an event of ours behind what the agent has said. */
  tell: (payload: EventPayload) => void
}

/** The owner of agents: gives them the runs that are accepted, and stores what comes of them. */
export function createHost({
  store,
  events,
  clock,
  log,
  agent,
  approvals,
  partials,
  files,
  settings,
  budget,
  newRunId,
}: HostDeps) {
  const active = new Map<Folder, Active>()
  const beginning = new Set<Promise<void>>()
  let accepting = true
  let lately: { readonly folder?: Folder; readonly options: RunOptions } = { options: {} }
  let onFree: (folder: Folder) => void = () => {}
  /** Why open runs are to end. In memory before it is stored: whatever end comes from then on says so. */
  const stopping = new Map<RunId, string>()
  let queue: QueueHooks | undefined
  const follow = createFollow({ store, approvals, settings, clock, log })
  /** The folders in which something else works, until it is through. */
  const held = new Map<Folder, Promise<void>>()
  agent.onWake((wake) => void takeWake(wake))

  return {
    get mayAcceptRuns() {
      return accepting
    },

    /** Calls `listener` when a run has ended. */
    onFree(listener: (folder: Folder) => void): void {
      onFree = listener
    },

    /** Who is told what concerns prompts that wait. */
    serveQueue(hooks: QueueHooks): void {
      queue = hooks
    },

    interrupt,

    /** Why the run is to end, if somebody has said so in this process. */
    interruptedBecause: (run: RunId): string | undefined => stopping.get(run),

    /** What the agent has used and said so far in the run that is under way in the folder. */
    underWay(folder: Folder): { readonly run: Run; readonly tally: Tally } | undefined {
      return active.get(folder)
    },

    /**
     * Changes what the conversation's process works with. `wasUnderWay`: amid a run of the conversation, so that what
     * is taken holds now.
     */
    async adjust({ id, folder }: Conversation, changes: Adjustments): Promise<Adjusted & { wasUnderWay: boolean }> {
      const isUnderWay = () => active.get(folder)?.run.conversation === id
      const wasUnderWay = isUnderWay()
      const adjusted = await agent.adjust(id, changes)
      return { ...adjusted, wasUnderWay: wasUnderWay && isUnderWay() }
    },

    /** Adds to what is known of the conversation's run that is under way. */
    noteFacts({ id, folder }: Conversation, facts: AgentFacts): void {
      const current = active.get(folder)
      if (current?.run.conversation === id) note(current.run, { kind: 'facts', facts })
    },

    /** Whether the run takes prompts while it works, with what comes with this one. */
    isSteerable: ({ id, folder }: Run, attachments: readonly Attachment[] = []): boolean => {
      const current = active.get(folder)
      if (current?.run.id !== id || !current.work.isSteerable) return false
      return attachments.every(({ mediaType }) => current.work.steersWith(mediaType))
    },

    /** Gives a run another prompt, which is stored as `steering`. False: it is over, or nearly. */
    steer(into: RunId, { id, folder, text, attachments }: Prompt): boolean {
      const current = active.get(folder)
      return current?.run.id === into && current.work.steer(id, text, attached(files, attachments))
    },

    /** Ends what lives in the background of a conversation at rest. */
    endBackground: (conversation: ConversationId): boolean => agent.endBackground(conversation),

    /** Has an accepted run worked on. What becomes of it is found in the store. */
    launch(run: Run, conversation: Conversation): void {
      const begun = begin(run, conversation).finally(() => beginning.delete(begun))
      beginning.add(begun)
    },

    /**
     * Has a process made ready for the conversation's next prompt. Without `options`, it guesses that the prompt will
     * ask for what the last one did; what only some folders are trusted with stays in its folder.
     */
    prepare(conversation: Conversation, options: RunOptions = guessFor(conversation.folder)): void {
      if (!accepting || active.has(conversation.folder)) return
      const { id, folder, sessionId } = conversation
      const resume = options.resume ?? sessionId
      agent.prepare({
        conversation: id,
        folder,
        sessionId: resume,
        options: optionsUnder(settings.of(conversation), options),
      })
    },

    /** Ends the folder's run if it only waits for background tasks. True when the folder has become free by it. */
    async endSettling(folder: Folder): Promise<boolean> {
      const current = active.get(folder)
      if (!current?.work.endSettling()) return false
      await current.ended
      return true
    },

    /** Does something in a folder in which no run is open. Runs that come meanwhile are accepted, and wait. */
    async alone<T>(folder: Folder, work: () => Promise<T>): Promise<T> {
      if (held.has(folder)) throw folderBusy(folder)
      const free = Promise.withResolvers<void>()
      held.set(folder, free.promise)
      try {
        if (await store.openRun(folder)) throw folderBusy(folder)
        return await work()
      } finally {
        held.delete(folder)
        free.resolve()
      }
    },

    /** Accepts nothing new, stops what runs and waits until it is closed. */
    async stop(): Promise<void> {
      accepting = false
      approvals.suspend()
      // First: what is about to begin may wait for one of them. What begins all the same is stopped as it does.
      for (const { work } of active.values()) work.interrupt(STOPPED)
      await Promise.all(beginning)
      await Promise.all([...active.values()].map(({ ended }) => ended))
    },
  }

  /** Stops a run, wherever it is. False: it has ended by itself. Resolves when that is stored, and the agent asked. */
  async function interrupt({ id, folder }: Run, because: string, scope: 'turn' | 'all' = 'turn'): Promise<boolean> {
    if (!stopping.has(id)) stopping.set(id, because)
    const run = await store.interruptRun(id, because).catch((error: unknown) => {
      stopping.delete(id)
      throw error
    })
    if (!run) {
      stopping.delete(id)
      return false
    }
    const current = active.get(folder)
    if (run.state === 'accepted') await close(run, interruptedResult(because, timestamp(clock.now())))
    // One that is not here yet finds its reason when it comes.
    else if (current?.run.id === id) current.work.interrupt(because, scope)
    return true
  }

  /**
   * Stops what is at work when the day's budget is spent: what one has used, another had left. `but`: the run that has said
   * so just now, at the end of a turn; the agent itself keeps it to what it had.
   */
  async function keepToBudget(but?: Run): Promise<void> {
    if (!accepting) return
    const working = () => [...active.values()].filter(({ isEnding }) => !isEnding)
    try {
      const because = await budget.overrun(() => working().reduce((sum, { tally }) => sum + costOf(tally), 0))
      if (because === undefined) return
      for (const { run, tell } of working()) {
        if (stopping.has(run.id) || run === but) continue
        tell(budgetEvent(because, timestamp(clock.now())))
        await interrupt(run, because)
      }
    } catch (error) {
      log.error('whether the budget of the day is spent could not be seen', { error })
    }
  }

  function guessFor(folder: Folder): RunOptions {
    const { settings: _, settingSources: __, mcpServers: ___, ...harmless } = lately.options
    return lately.folder === folder || needsTrust(lately.options) === undefined ? lately.options : harmless
  }

  async function begin(run: Run, conversation: Conversation): Promise<void> {
    try {
      const unready = await agent.unready()
      await held.get(run.folder)
      // Nobody has it yet: the next start begins it.
      if (!accepting) return
      // Somebody else has it, or has stopped it and closes it.
      if (!(await store.claimRun(run.id))) return
      if (unready !== undefined) {
        await close(run, errorResult('agent_unready', unready, timestamp(clock.now())))
        return
      }
      const sessionId = run.options.resume ?? conversation.sessionId
      const { resume: _, continueConversation: __, ...usual } = run.options
      lately = { folder: run.folder, options: usual }
      // One that we began ourselves tells what was decided; whatever else comes, comes instead.
      if (run.begunBy === 'client') await approvals.dropCarried(run.conversation, 'A new prompt came.')
      const brought = attached(files, run.attachments)
      const now = await settings.forgetLapsed((await store.conversation(run.conversation)) ?? conversation)
      const options = await budget.limit(optionsUnder(settings.of(now), run.options))
      const newestMessage = sessionId === now.sessionId ? await newestSaid(run) : undefined
      const job = { ...jobOf(run), options, text: run.text, attached: brought, sessionId, newestMessage }
      drive(run, agent.work(job))
    } catch (error) {
      log.error('a run could not be begun', { run: run.id, error })
      await close(run, failureResult(error, clock))
    }
  }

  /** The last that was said before the run, if it was lately. */
  async function newestSaid({ conversation, first }: Run): Promise<string | undefined> {
    const said = await findSaid(store, conversation, Math.max(0, first - 1 - LATELY), first - 1)
    return said.at(-1)?.uuid
  }

  /** An agent at rest works again: a run of its own, if the folder is free. */
  async function takeWake(wake: Wake): Promise<void> {
    try {
      const conversation = await store.conversation(wake.conversation)
      await held.get(wake.folder)
      if (!accepting || !conversation || (await budget.msUntilFree()) > 0) return wake.refuse()
      const at = clock.now()
      const begun = await events.begin({
        id: newRunId(),
        name: wake.conversation,
        folder: wake.folder,
        cwd: conversation.cwd,
        begunBy: 'agent',
        text: '',
        options: wake.options,
        line: toLine(wokenEvent(timestamp(clock.now()))),
        at,
      })
      if (begun.status !== 'begun' || !(await store.claimRun(begun.run.id))) return wake.refuse()
      drive(begun.run, wake.take({ ...jobOf(begun.run), text: '', sessionId: conversation.sessionId }))
    } catch (error) {
      log.error('an agent that woke could not be given a run', { conversation: wake.conversation, error })
      wake.refuse()
    }
  }

  function drive(run: Run, work: Work): void {
    const sketch = partials?.begin(run)
    const writer = createWriter({ events, log, run, sketch, onFailure: () => work.interrupt(NOT_STORED) })
    const ended = follow({ run, work, sketch, writer, queue, note })
      .then((result) => close(run, result))
      .finally(() => {
        // The next may be here already.
        if (active.get(run.folder)?.run === run) active.delete(run.folder)
        onFree(run.folder)
      })
    active.set(run.folder, { run, work, ended, tally: NOTHING, isEnding: false, tell: writer.tell })
    const because = accepting ? stopping.get(run.id) : STOPPED
    if (because !== undefined) work.interrupt(because)
  }

  /** Adds to what is known of a run. */
  function note({ id, folder }: Run, said: Extract<Happening, { kind: 'facts' | 'usage' }>): void {
    const current = active.get(folder)
    if (current?.run.id !== id) return
    const { usage, facts } = current.tally
    current.tally =
      said.kind === 'usage'
        ? { facts, usage: sumByModel([...usage, ...said.usage]) }
        : { usage, facts: withFacts(facts, said.facts) }
    if (said.kind === 'usage') void keepToBudget(current.run)
  }

  /** Stores the terminal event and frees the folder. Goes on trying: a run without an end would be busy for ever. */
  async function close(run: Run, result: ResultPayload): Promise<void> {
    for (;;) {
      try {
        const because = stopping.get(run.id)
        const told = because === undefined ? result : asInterrupted(result, because)
        const current = active.get(run.folder)
        const own = current?.run.id === run.id ? current : undefined
        if (own) own.isEnding = true
        await events.end(run, [toLine(told)], endingOf(told, own?.tally ?? NOTHING))
        break
      } catch (error) {
        log.error('a run could not be closed', { run: run.id, error })
        // The next start closes it.
        if (!accepting) break
        await new Promise((resolve) => setTimeout(resolve, RETRY_END_MS))
      }
    }
    stopping.delete(run.id)
    queue?.ended(run)
    void keepToBudget()
  }
}

function jobOf(run: Run): Omit<Job, 'text' | 'sessionId' | 'newestMessage'> {
  return {
    run: run.id,
    conversation: run.conversation,
    folder: run.folder,
    options: run.options,
    forbids: (tool) => verdict(run.options, tool, {}) === 'deny',
  }
}
