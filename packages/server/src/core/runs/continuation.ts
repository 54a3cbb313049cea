import type { EventPayload } from '@claude-proxy/protocol/events'
import { type ConversationId, promptUuid, type RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import type { Approvals } from '../approvals/approvals.ts'
import type { Budget } from '../budget.ts'
import type { EventLog } from '../log/log.ts'
import type { Approval } from '../ports/approval.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { RunOptions } from '../ports/run.ts'
import type { Store } from '../ports/store.ts'
import { isUnasked } from '../settings/rules.ts'
import type { Host } from './host.ts'
import { timestamp } from '../timestamp.ts'

export interface ContinuationDeps {
  readonly store: Store
  readonly events: EventLog
  readonly host: Host
  readonly approvals: Approvals
  readonly budget: Budget
  readonly clock: Clock
  readonly log: Log
  readonly newRunId: () => RunId
}

/**
 * After a restart, the questions of a run that was cut off are still there. When the last is answered, a run of ours
 * goes on in the same session and tells the agent what was decided.
 */
export function createContinuation({ store, events, host, approvals, budget, clock, log, newRunId }: ContinuationDeps) {
  /** Conversations whose folder was busy. */
  const waiting = new Set<ConversationId>()
  approvals.onDecided = (conversation) => void goOn(conversation)
  host.onFree(() => {
    for (const conversation of waiting) void goOn(conversation)
  })

  return {
    /** After a start: takes up what was decided, and what still waits. */
    async resume(): Promise<void> {
      for (const conversation of await approvals.resume()) await goOn(conversation)
    },
  }

  async function goOn(id: ConversationId): Promise<void> {
    waiting.delete(id)
    try {
      const decided = await approvals.decisions(id)
      const [newest] = decided.slice(-1)
      const [conversation, cutOff] = [await store.conversation(id), newest && (await store.run(newest.run))]
      if (!newest || !conversation || !cutOff || !host.mayAcceptRuns) return
      const waitMs = await budget.msUntilFree()
      if (waitMs > 0) {
        setTimeout(() => void goOn(id), waitMs).unref()
        return
      }
      const text = tell(decided)
      const at = clock.now()
      const run = newRunId()
      const begun = await events.begin({
        id: run,
        name: id,
        folder: conversation.folder,
        cwd: conversation.cwd,
        begunBy: 'agent',
        text,
        options: harmless(cutOff.options),
        line: toLine(continuedEvent(decided, text, promptUuid(run), at)),
        at,
      })
      if (begun.status === 'begun') host.launch(begun.run, begun.conversation)
      else waiting.add(id)
    } catch (error) {
      log.error('a run could not be continued', { conversation: id, error })
    }
  }
}

/** The first event of such a run. */
function continuedEvent(decided: readonly Approval[], content: string, uuid: string, at: number): EventPayload {
  const ids = decided.map(({ id }) => id)
  return { type: 'system', subtype: 'run_continued', permission_ids: ids, content, uuid, timestamp: timestamp(at) }
}

/** A mode in which nobody is asked does not come back by itself. */
function harmless({ permissionMode, ...options }: RunOptions): RunOptions {
  return permissionMode === undefined || isUnasked(permissionMode) ? options : { ...options, permissionMode }
}

function tell(decided: readonly Approval[]): string {
  const lines = decided.map(({ request, state, settlement }, n) => {
    const call = `${n + 1}. ${request.tool} ${JSON.stringify(request.input)}`
    const decision = settlement?.decision
    if (decision?.behavior === 'allow') return `${call}: allowed.${answers(decision.updatedInput)}`
    return `${call}: ${state === 'denied' ? 'denied' : 'not allowed'}. ${decision?.message ?? ''}`.trim()
  })
  return [
    'The service was restarted while you waited for a person. This was decided since:',
    ...lines,
    'A call that was allowed has not been made yet: make the very same call again, it will not be asked about once more. Anything else is asked anew. Then go on with your work.',
  ].join('\n')
}

function answers(input: Readonly<Record<string, unknown>> | undefined): string {
  return input === undefined ? '' : ` With this input: ${JSON.stringify(input)}`
}
