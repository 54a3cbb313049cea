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
import type { Approvals, Question } from '../approvals/approvals.ts'
import { verdict } from '../approvals/rules.ts'
import { folderBusy } from '../conversations.ts'
import { attached } from '../attachments/attached.ts'
import type { Budget } from '../budget.ts'
import type { EventLog } from '../log/log.ts'
import type { Partials, Sketch } from '../partials/partials.ts'
import { findSaid } from '../said.ts'
import type { Agent, Happening, Job, Wake, Work } from '../ports/agent.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { NewApproval, PermissionDecision } from '../ports/approval.ts'
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

/** Events of a run on their way into the store. Above this the agent has to wait. */
const UNSTORED_BYTES = 1024 * 1024
/** A terminal event that cannot be stored is tried again: until it is, the folder stays busy. */
const RETRY_END_MS = 1000
/** So many events before a run are looked through for what was said last. */
const LATELY = 32
const NOT_STORED = 'The event store cannot be written.'

/** What the queue has to know. Nothing of it rejects. */
export interface QueueHooks {
  /** The run has ended. */
  readonly ended: (run: Run) => void
  /** The run only waits for its background. */
  readonly settling: (run: Run) => void
  /** A prompt that was to steer a run was taken by it, or was not. */
  readonly steered: (prompt: RunId, outcome: 'taken' | 'missed') => Promise<void>
}

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

/** Puts the events of one run into the store. */
interface Writer {
  readonly tell: (payload: EventPayload, question?: NewApproval) => void
  readonly isFull: boolean
  /** Resolves when there is room for more. */
  room(): Promise<void>
  settled(): Promise<void>
  /** Something that the agent said could not be stored. */
  readonly hasGap: boolean
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
      await Promise.all(beginning)
      const runs = [...active.values()]
      for (const { work } of runs) work.interrupt('The service was stopped while this run was working.')
      await Promise.all(runs.map(({ ended }) => ended))
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
    if (run.state === 'accepted') await close(run, interruptedResult(because, timestamp()))
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
        tell(budgetEvent(because, timestamp()))
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
        await close(run, errorResult('agent_unready', unready, timestamp()))
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
      await close(run, failure(error))
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
        line: toLine(wokenEvent(timestamp())),
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
    const writer = createWriter(run, sketch, () => work.interrupt(NOT_STORED))
    const ended = follow(run, work, sketch, writer).finally(() => {
      // The next may be here already.
      if (active.get(run.folder)?.run === run) active.delete(run.folder)
      onFree(run.folder)
    })
    active.set(run.folder, { run, work, ended, tally: NOTHING, isEnding: false, tell: writer.tell })
    const because = accepting ? stopping.get(run.id) : 'The service was stopped while this run was working.'
    if (because !== undefined) work.interrupt(because)
  }

  /** Stores all that happens in a run, up to its terminal event. Never rejects. */
  async function follow(run: Run, work: Work, sketch: Sketch | undefined, writer: Writer): Promise<void> {
    const asking: Promise<void>[] = []
    const storeQuestion: Question['tell'] = (payload, asked) => {
      writer.tell(payload, asked)
      return writer.settled()
    }
    const steered: Promise<void>[] = []
    let result: ResultPayload | undefined
    try {
      for await (const happening of work) {
        if (happening.kind === 'partial') sketch?.show(happening.update)
        else if (happening.kind === 'end') result = happening.result
        else if (happening.kind === 'ask') asking.push(ask(run, happening, storeQuestion, work))
        else if (happening.kind === 'settling') queue?.settling(run)
        else if (happening.kind === 'steered' && queue) steered.push(queue.steered(happening.prompt, happening.outcome))
        else if (happening.kind === 'facts' || happening.kind === 'usage') note(run, happening)
        else if (happening.kind === 'mode') asking.push(followMode(run, happening))
        else if (happening.kind !== 'steered') take(run, happening, (payload) => writer.tell(payload))
        if (writer.isFull) await writer.room()
      }
    } catch (error) {
      log.error('an agent failed', { run: run.id, error })
      result = failure(error)
    }
    // Before the terminal event, which drops whatever readers still have.
    sketch?.close()
    await Promise.all(asking)
    await approvals.endRun(run).catch((error: unknown) => {
      log.error('the questions of a run could not be withdrawn', { run: run.id, error })
    })
    result ??= errorResult('no_result', 'The agent ended without a result.', timestamp())
    await writer.settled()
    await Promise.all(steered)
    // The agent may have been through when it was to be stopped: its word for the end would be that all is here.
    if (writer.hasGap && result.subtype !== 'interrupted') result = errorResult('interrupted', NOT_STORED, timestamp())
    await close(run, result)
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

  /** The agent has changed its mode by itself: the conversation's settings follow, and everybody is told. */
  async function followMode(run: Run, { from, to }: Extract<Happening, { kind: 'mode' }>): Promise<void> {
    await settings.follow(run.conversation, from, to).catch((error: unknown) => {
      log.error('a change of mode could not be told', { run: run.id, error })
    })
  }

  function take(
    run: Run,
    happening: Extract<Happening, { kind: 'event' | 'session' }>,
    tell: (payload: EventPayload) => void,
  ): void {
    if (happening.kind === 'event') return tell(happening.payload)
    store.setSession(run.conversation, happening.sessionId, clock.now()).catch((error: unknown) => {
      log.error('a session could not be stored', { run: run.id, error })
    })
  }

  /** A tool call that needs permission: the lists of the run decide, or what was decided before, or a person. */
  async function ask(
    run: Run,
    { request, signal, answer }: Extract<Happening, { kind: 'ask' }>,
    tell: Question['tell'],
    work: Work,
  ): Promise<void> {
    const said = verdict(run.options, request.tool, request.input)
    const answered = (decision: PermissionDecision) => {
      // First, so that the end of the turn says whose will it was.
      if (decision.behavior === 'deny' && decision.interrupt) work.interrupt(`Interrupted by user. ${decision.message}`)
      answer(decision)
    }
    // No list can answer for the person what has no yes.
    if (said === 'ask' || (said === 'allow' && request.kind !== 'tool'))
      return approvals.ask({ run, request, signal, answer: answered, tell })
    const message = `${request.tool} is not allowed in this conversation.`
    answer(said === 'allow' ? { behavior: 'allow' } : { behavior: 'deny', message })
  }

  /**
   * Puts a run's events into the store, in order. One append is under way at a time; what comes meanwhile goes with
   * the next. So an idle run stores at once, and a busy one batches by itself.
   */
  function createWriter(run: Run, sketch: Sketch | undefined, onFailure: () => void): Writer {
    let last = run.first
    let waiting: string[] = []
    let asked: NewApproval[] = []
    let unstored = 0
    let underWay: Promise<void> | undefined
    let failed = false

    async function storeAll(): Promise<void> {
      try {
        while (waiting.length > 0) {
          const lines = waiting
          const questions = asked
          waiting = []
          asked = []
          const appended = await events.append(run, lines, questions)
          if (appended.status === 'stored') last = appended.last
          unstored -= lines.reduce((size, line) => size + line.length, 0)
        }
        sketch?.settle(last)
      } catch (error) {
        log.error('events could not be stored; the run is stopped', { run: run.id, error })
        failed = true
        sketch?.close()
        onFailure()
      }
      underWay = undefined
    }

    return {
      tell(payload, question) {
        // After a gap nothing more is stored: a transcript that lacks its middle is worse than one cut short.
        if (failed) return
        sketch?.supersede(payload)
        const line = toLine(payload)
        waiting.push(line)
        if (question) asked.push(question)
        unstored += line.length
        underWay ??= storeAll()
      },
      get isFull() {
        return unstored > UNSTORED_BYTES
      },
      async room() {
        await underWay
      },
      async settled() {
        await underWay
      },
      get hasGap() {
        return failed
      },
    }
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

  function failure(error: unknown): ResultPayload {
    return errorResult('agent_failed', error instanceof Error ? error.message : String(error), timestamp())
  }

  function timestamp(): string {
    return new Date(clock.now()).toISOString()
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
