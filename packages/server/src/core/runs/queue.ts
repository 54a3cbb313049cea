import { promptEvent, queueEvent } from '@claude-proxy/protocol/events'
import { type Folder, promptUuid, type RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { attachmentMarks } from '../attachments/marks.ts'
import type { EventLog } from '../log/log.ts'
import type { Budget } from '../budget.ts'
import type { Changed, Prompt } from '../ports/prompt.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { Run } from '../ports/run.ts'
import type { Store } from '../ports/store.ts'
import type { Host } from './host.ts'
import { timestamp } from '../timestamp.ts'

export interface QueueDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Log
  readonly host: Host
  readonly budget: Budget
}

export type Queue = ReturnType<typeof createQueue>

/** What could not be stored is tried again: a prompt must not be left waiting for nothing. */
const RETRY_MS = 1000

/** The prompts that came while their folder was busy: when each begins, and what becomes of those that steer a run. */
export function createQueue({ store, events, clock, log, host, budget }: QueueDeps) {
  /** The folders whose prompts wait for another day. */
  const later = new Set<Folder>()
  host.serveQueue({
    ended: (run) => void goOn(() => afterEnd(run)),
    settling: ({ folder }) => void goOn(() => serve(folder)),
    steered: (prompt, outcome) => goOn(() => settle(prompt, outcome)),
  })

  return {
    /** Begins the next prompt of the folder, if there is one and the folder is free. */
    serve: (folder: Folder): Promise<void> => goOn(() => serve(folder)),

    /** After a start, when all runs that a crash left open are closed or begun. */
    async recover(): Promise<void> {
      await missAll(await store.steeringPrompts())
      for (const folder of await store.queuedFolders()) await serve(folder)
    },

    /** Gives a prompt that is stored as `steering` to its run; it is queued again if that is over by now. */
    async handOver(prompt: Prompt, into: RunId): Promise<void> {
      if (host.steer(into, prompt)) return
      await goOn(() => settle(prompt.id, 'missed'))
      await goOn(() => serve(prompt.folder))
    },

    /** Takes back what waits in a conversation's queue, and what was not taken yet; returns what that was. */
    async empty(prompts: readonly Prompt[]): Promise<RunId[]> {
      const dropped: RunId[] = []
      for (const { id } of prompts) {
        const line = toLine(queueEvent('prompt_cancelled', id, timestamp(clock.now())))
        const changed = await events.changePrompt({ id, input: 'drop', line, at: clock.now() })
        if (changed.status === 'changed') dropped.push(id)
      }
      return dropped
    },
  }

  async function afterEnd(run: Run): Promise<void> {
    await missAll(await store.steeringPrompts(run.id))
    await serve(run.folder)
  }

  /** Each goes to the front: the oldest comes last, and is first then. */
  async function missAll(prompts: readonly Prompt[]): Promise<void> {
    for (const { id } of prompts.toReversed()) await settle(id, 'missed')
  }

  /** The run has taken the prompt, or has not: then it is queued, before all others. */
  async function settle(id: RunId, outcome: 'taken' | 'missed'): Promise<void> {
    const taken = () => queueEvent('prompt_steered', id, timestamp(clock.now()))
    const missed = () => queueEvent('prompt_queued', id, timestamp(clock.now()), { content: MISSED })
    const changed: Changed = await events.changePrompt({
      id,
      input: outcome,
      line: toLine(outcome === 'taken' ? taken() : missed()),
      at: clock.now(),
    })
    if (changed.status !== 'changed') log.info('a steered prompt had been settled before', { prompt: id, outcome })
  }

  async function serve(folder: Folder): Promise<void> {
    for (;;) {
      if (!host.mayAcceptRuns) return
      const [next] = await store.queuedPrompts(folder)
      if (!next) return
      const waitMs = await budget.msUntilFree()
      if (waitMs > 0) return serveLater(folder, waitMs)
      await host.endSettling(folder)
      const marks = { prompt_id: next.id, uuid: promptUuid(next.id), ...attachmentMarks(next.attachments) }
      const line = toLine(promptEvent(next.text, timestamp(clock.now()), marks))
      const begun = await events.beginPrompt(next, line)
      if (begun.status === 'begun') return host.launch(begun.run, begun.conversation)
      // Its end comes back here.
      if (begun.status === 'busy') return
    }
  }

  /** When the day's budget is spent. Whoever comes for the folder meanwhile finds the same. */
  function serveLater(folder: Folder, waitMs: number): void {
    if (later.has(folder)) return
    later.add(folder)
    const serveNow = () => {
      later.delete(folder)
      void goOn(() => serve(folder))
    }
    setTimeout(serveNow, waitMs).unref()
  }

  /** Does it, again and again until it is done or the service stops: the next start goes on then. */
  async function goOn(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!host.mayAcceptRuns) return
        log.error('the queue of a folder could not be served', { error })
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref())
      }
    }
  }
}

const MISSED = 'The run ended before it had taken this prompt; it is next.'
