import { errorResult, type EventPayload, type ResultPayload, wokenEvent } from '@claude-proxy/protocol/events'
import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import type { Approvals } from '../approvals/approvals.ts'
import { verdict } from '../approvals/rules.ts'
import type { EventLog } from '../log/log.ts'
import type { Agent, Clock, Conversation, Happening, Job, Log, Run, RunOptions, Store, Wake, Work } from '../ports.ts'

export interface HostDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Log
  readonly agent: Agent
  readonly approvals: Approvals
  readonly newRunId: () => RunId
}

export type Host = ReturnType<typeof createHost>

/** Events of a run on their way into the store. Above this the agent has to wait. */
const UNSTORED_BYTES = 1024 * 1024
/** A terminal event that cannot be stored is tried again: until it is, the folder stays busy. */
const RETRY_END_MS = 1000
const NOT_STORED = 'The event store cannot be written.'

interface Active {
  readonly run: Run
  readonly work: Work
  /** Resolves when the terminal event is stored. */
  readonly ended: Promise<void>
}

/** The owner of agents: gives them the runs that are accepted, and stores what comes of them. */
export function createHost({ store, events, clock, log, agent, approvals, newRunId }: HostDeps) {
  const active = new Map<Folder, Active>()
  const beginning = new Set<Promise<void>>()
  let accepting = true
  let lastOptions: RunOptions = {}
  agent.onWake((wake) => void takeWake(wake))

  return {
    get mayAcceptRuns() {
      return accepting
    },

    /** Has an accepted run worked on. What becomes of it is found in the store. */
    launch(run: Run, conversation: Conversation): void {
      const begun = begin(run, conversation).finally(() => beginning.delete(begun))
      beginning.add(begun)
    },

    /**
     * Has a process made ready for the conversation's next prompt. Without `options`, it guesses that the prompt will
     * ask for what the last one did.
     */
    prepare(conversation: Conversation, options: RunOptions = lastOptions): void {
      if (!accepting || active.has(conversation.folder)) return
      const { id, folder, sessionId } = conversation
      agent.prepare({ conversation: id, folder, sessionId: options.resume ?? sessionId, options })
    },

    /** Ends the folder's run if it only waits for background tasks. True when the folder has become free by it. */
    async endSettling(folder: Folder): Promise<boolean> {
      const current = active.get(folder)
      if (!current?.work.endSettling()) return false
      await current.ended
      return true
    },

    /** Accepts nothing new, stops what runs and waits until it is closed. */
    async stop(): Promise<void> {
      accepting = false
      await Promise.all(beginning)
      const runs = [...active.values()]
      for (const { work } of runs) work.interrupt('The service was stopped while this run was working.')
      await Promise.all(runs.map(({ ended }) => ended))
    },
  }

  async function begin(run: Run, conversation: Conversation): Promise<void> {
    try {
      const unready = await agent.unready()
      // Nobody has it yet: the next start begins it.
      if (!accepting) return
      if (!(await store.claimRun(run.id))) return
      if (unready !== undefined) {
        await close(run, [toLine(errorResult('agent_unready', unready, timestamp()))])
        return
      }
      const sessionId = run.options.resume ?? conversation.sessionId
      const { resume: _, continueConversation: __, ...usual } = run.options
      lastOptions = usual
      drive(run, agent.work({ ...jobOf(run), text: run.text, sessionId }))
    } catch (error) {
      log.error('a run could not be begun', { run: run.id, error })
      await close(run, [toLine(failure(error))])
    }
  }

  /** An agent at rest works again: a run of its own, if the folder is free. */
  async function takeWake(wake: Wake): Promise<void> {
    try {
      const conversation = await store.conversation(wake.conversation)
      if (!accepting || !conversation) return wake.refuse()
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
    const ended = follow(run, work).finally(() => active.delete(run.folder))
    active.set(run.folder, { run, work, ended })
    if (!accepting) work.interrupt('The service was stopped while this run was working.')
  }

  /** Stores all that happens in a run, up to its terminal event. Never rejects. */
  async function follow(run: Run, work: Work): Promise<void> {
    const writer = createWriter(run, () => work.interrupt(NOT_STORED))
    let result: ResultPayload | undefined
    try {
      for await (const happening of work) {
        if (happening.kind === 'end') result = happening.result
        else take(run, happening, (payload) => writer.tell(payload))
        await writer.room()
      }
    } catch (error) {
      log.error('an agent failed', { run: run.id, error })
      result = failure(error)
    }
    approvals.cancelAll(run.id)
    result ??= errorResult('no_result', 'The agent ended without a result.', timestamp())
    await writer.settled()
    // The agent may have been through when it was to be stopped: its word for the end would be that all is here.
    if (writer.hasGap && result.subtype !== 'interrupted') result = errorResult('interrupted', NOT_STORED, timestamp())
    await close(run, [toLine(result)])
  }

  function take(run: Run, happening: Exclude<Happening, { kind: 'end' }>, tell: (payload: EventPayload) => void): void {
    if (happening.kind === 'event') return tell(happening.payload)
    if (happening.kind === 'session') {
      store.setSession(run.conversation, happening.sessionId, clock.now()).catch((error: unknown) => {
        log.error('a session could not be stored', { run: run.id, error })
      })
      return undefined
    }
    const { request, signal, answer } = happening
    const said = verdict(run.options, request.tool, request.input)
    if (said === 'allow') return answer({ behavior: 'allow' })
    if (said === 'deny')
      return answer({ behavior: 'deny', message: `${request.tool} is not allowed in this conversation.` })
    return approvals.ask({ conversation: run.conversation, run: run.id, request, signal, answer, tell })
  }

  /**
   * Puts a run's events into the store, in order. One append is under way at a time; what comes meanwhile goes with
   * the next. So an idle run stores at once, and a busy one batches by itself.
   */
  function createWriter(run: Run, onFailure: () => void) {
    let waiting: string[] = []
    let unstored = 0
    let underWay: Promise<void> | undefined
    let failed = false

    async function storeAll(): Promise<void> {
      try {
        while (waiting.length > 0) {
          const lines = waiting
          waiting = []
          await events.append(run, lines)
          unstored -= lines.reduce((size, line) => size + line.length, 0)
        }
      } catch (error) {
        log.error('events could not be stored; the run is stopped', { run: run.id, error })
        failed = true
        onFailure()
      }
      underWay = undefined
    }

    return {
      tell(payload: EventPayload): void {
        // After a gap nothing more is stored: a transcript that lacks its middle is worse than one cut short.
        if (failed) return
        const line = toLine(payload)
        waiting.push(line)
        unstored += line.length
        underWay ??= storeAll()
      },
      /** Resolves when there is room for more. */
      async room(): Promise<void> {
        if (unstored > UNSTORED_BYTES) await underWay
      },
      async settled(): Promise<void> {
        await underWay
      },
      /** Something that the agent said could not be stored. */
      get hasGap(): boolean {
        return failed
      },
    }
  }

  /** Stores the terminal event and frees the folder. Goes on trying: a run without an end would be busy for ever. */
  async function close(run: Run, lines: string[]): Promise<void> {
    for (;;) {
      try {
        await events.end(run, lines)
        return
      } catch (error) {
        log.error('a run could not be closed', { run: run.id, error })
        // The next start closes it.
        if (!accepting) return
        await new Promise((resolve) => setTimeout(resolve, RETRY_END_MS))
      }
    }
  }

  function failure(error: unknown): ResultPayload {
    return errorResult('agent_failed', error instanceof Error ? error.message : String(error), timestamp())
  }

  function timestamp(): string {
    return new Date(clock.now()).toISOString()
  }
}

function jobOf(run: Run): Omit<Job, 'text' | 'sessionId'> {
  return {
    run: run.id,
    conversation: run.conversation,
    folder: run.folder,
    options: run.options,
    forbids: (tool) => verdict(run.options, tool, {}) === 'deny',
  }
}
