import { errorResult, type ResultPayload } from '@claude-proxy/protocol/events'
import type { Approvals } from '../approvals/approvals.ts'
import { verdict } from '../approvals/rules.ts'
import type { Sketch } from '../partials/partials.ts'
import type { Happening, Work } from '../ports/agent.ts'
import type { PermissionDecision } from '../ports/approval.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { RunId } from '@claude-proxy/protocol/ids'
import type { Run } from '../ports/run.ts'
import type { Store } from '../ports/store.ts'
import type { KeptSettings } from '../settings/keep.ts'
import { timestamp } from '../timestamp.ts'
import type { Writer } from './writer.ts'

export interface FollowDeps {
  readonly store: Store
  readonly approvals: Approvals
  readonly settings: KeptSettings
  readonly clock: Clock
  readonly log: Log
}

/** What the queue has to know. Nothing of it rejects. */
export interface QueueHooks {
  /** The run has ended. */
  readonly ended: (run: Run) => void
  /** The run only waits for its background. */
  readonly settling: (run: Run) => void
  /** A prompt that was to steer a run was taken by it, or was not. */
  readonly steered: (prompt: RunId, outcome: 'taken' | 'missed') => Promise<void>
}

/** A run that an agent works on, and who hears what happens in it. */
export interface Followed {
  readonly run: Run
  readonly work: Work
  readonly sketch: Sketch | undefined
  readonly writer: Writer
  readonly queue: QueueHooks | undefined
  readonly note: (run: Run, said: Extract<Happening, { kind: 'facts' | 'usage' }>) => void
}

export const NOT_STORED = 'The event store cannot be written.'

type Of<K extends Happening['kind']> = Extract<Happening, { kind: K }>

/** Takes all that happens in a run to where it belongs, and resolves with how the run ends. Never rejects. */
export function createFollow({ store, approvals, settings, clock, log }: FollowDeps) {
  return async ({ run, work, sketch, writer, queue, note }: Followed): Promise<ResultPayload> => {
    const asking: Promise<void>[] = []
    const steered: Promise<void>[] = []
    let result: ResultPayload | undefined
    try {
      for await (const happening of work) {
        if (happening.kind === 'partial') sketch?.show(happening.update)
        else if (happening.kind === 'event') writer.tell(happening.payload)
        else if (happening.kind === 'end') result = happening.result
        else if (happening.kind === 'ask') asking.push(ask(run, happening, work, writer))
        else if (happening.kind === 'settling') queue?.settling(run)
        else if (happening.kind === 'facts' || happening.kind === 'usage') note(run, happening)
        else if (happening.kind === 'mode') asking.push(followMode(run, happening))
        else if (happening.kind === 'session') keepSession(run, happening)
        else if (queue) steered.push(queue.steered(happening.prompt, happening.outcome))
        if (writer.isFull) await writer.room()
      }
    } catch (error) {
      log.error('an agent failed', { run: run.id, error })
      result = failureResult(error, clock)
    }
    // Before the terminal event, which drops whatever readers still have.
    sketch?.close()
    await Promise.all(asking)
    await approvals.endRun(run).catch((error: unknown) => {
      log.error('the questions of a run could not be withdrawn', { run: run.id, error })
    })
    result ??= errorResult('no_result', 'The agent ended without a result.', timestamp(clock.now()))
    await writer.settled()
    await Promise.all(steered)
    // The agent may have been through when it was to be stopped: its word for the end would be that all is here.
    const isCut = writer.hasGap && result.subtype !== 'interrupted'
    return isCut ? errorResult('interrupted', NOT_STORED, timestamp(clock.now())) : result
  }

  /** The agent has changed its mode by itself: the conversation's settings follow, and everybody is told. */
  async function followMode(run: Run, { from, to }: Of<'mode'>): Promise<void> {
    await settings.follow(run.conversation, from, to).catch((error: unknown) => {
      log.error('a change of mode could not be told', { run: run.id, error })
    })
  }

  function keepSession(run: Run, { sessionId }: Of<'session'>): void {
    store.setSession(run.conversation, sessionId, clock.now()).catch((error: unknown) => {
      log.error('a session could not be stored', { run: run.id, error })
    })
  }

  /** A tool call that needs permission: the lists of the run decide, or what was decided before, or a person. */
  async function ask(run: Run, { request, signal, answer }: Of<'ask'>, work: Work, writer: Writer): Promise<void> {
    const said = verdict(run.options, request.tool, request.input)
    const answered = (decision: PermissionDecision) => {
      // First, so that the end of the turn says whose will it was.
      if (decision.behavior === 'deny' && decision.interrupt) work.interrupt(`Interrupted by user. ${decision.message}`)
      answer(decision)
    }
    // No list can answer for the person what has no yes.
    if (said === 'ask' || (said === 'allow' && request.kind !== 'tool')) {
      return approvals.ask({
        run,
        request,
        signal,
        answer: answered,
        tell(payload, asked) {
          writer.tell(payload, asked)
          return writer.settled()
        },
      })
    }
    const message = `${request.tool} is not allowed in this conversation.`
    answer(said === 'allow' ? { behavior: 'allow' } : { behavior: 'deny', message })
  }
}

/** How a run ends whose agent failed. */
export function failureResult(error: unknown, clock: Clock): ResultPayload {
  return errorResult('agent_failed', error instanceof Error ? error.message : String(error), timestamp(clock.now()))
}
