import type { EventPayload } from '@claude-proxy/protocol/events'
import { toLine } from '@claude-proxy/protocol/json'
import type { EventLog } from '../log/log.ts'
import type { Sketch } from '../partials/partials.ts'
import type { NewApproval } from '../ports/approval.ts'
import type { Log } from '../ports/outside.ts'
import type { Run } from '../ports/run.ts'

/** Puts the events of one run into the store. */
export interface Writer {
  readonly tell: (payload: EventPayload, question?: NewApproval) => void
  readonly isFull: boolean
  /** Resolves when there is room for more. */
  room(): Promise<void>
  settled(): Promise<void>
  /** Something that the agent said could not be stored. */
  readonly hasGap: boolean
}

export interface WriterDeps {
  readonly events: EventLog
  readonly log: Log
  readonly run: Run
  /** Where what is about to be said is shown; what is stored takes its place. */
  readonly sketch: Sketch | undefined
  /** Called once, when something could not be stored. */
  readonly onFailure: () => void
}

/** Events of a run on their way into the store. Above this the agent has to wait. */
const UNSTORED_BYTES = 1024 * 1024

/**
 * Puts a run's events into the store, in order. One append is under way at a time; what comes meanwhile goes with
 * the next. So an idle run stores at once, and a busy one batches by itself.
 */
export function createWriter({ events, log, run, sketch, onFailure }: WriterDeps): Writer {
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
