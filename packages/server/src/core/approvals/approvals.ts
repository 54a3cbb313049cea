import type { EventPayload } from '@claude-proxy/protocol/events'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Clock, PermissionDecision, PermissionRequest } from '../ports.ts'

export interface ApprovalsDeps {
  readonly clock: Clock
  readonly newPermissionId: () => string
  /** How long a question waits for its answer. */
  readonly timeoutMs: number
}

interface Pending {
  readonly conversation: ConversationId
  readonly run: RunId
  settle(decision: PermissionDecision, how: 'answered' | 'expired' | 'cancelled'): void
}

export interface Question {
  readonly conversation: ConversationId
  readonly run: RunId
  readonly request: PermissionRequest
  /** Aborts when the agent no longer wants to know. */
  readonly signal: AbortSignal
  readonly answer: (decision: PermissionDecision) => void
  /** Stores an event of the run. */
  readonly tell: (payload: EventPayload) => void
}

export type Approvals = ReturnType<typeof createApprovals>

/** The questions that wait for a person. Each is asked, and later settled, by an event that every reader sees. */
export function createApprovals({ clock, newPermissionId, timeoutMs }: ApprovalsDeps) {
  const pending = new Map<string, Pending>()

  return {
    /** Puts a question to whoever reads the conversation. */
    ask(question: Question): void {
      const { request, signal, tell } = question
      if (signal.aborted) return
      const id = newPermissionId()
      const timer = setTimeout(
        () => settle({ behavior: 'deny', message: 'Permission request timed out.' }, 'expired'),
        timeoutMs,
      )
      const cancel = () => settle({ behavior: 'deny', message: 'The question was withdrawn.' }, 'cancelled')

      function settle(decision: PermissionDecision, how: 'answered' | 'expired' | 'cancelled'): void {
        if (!pending.delete(id)) return
        clearTimeout(timer)
        signal.removeEventListener('abort', cancel)
        tell(settledEvent(id, decision, how, clock))
        question.answer(decision)
      }

      pending.set(id, { conversation: question.conversation, run: question.run, settle })
      signal.addEventListener('abort', cancel)
      tell(askedEvent(id, request, clock))
    },

    /** Gives the answer to a question of this conversation. False when there is no such question any more. */
    answer(conversation: ConversationId, id: string, decision: PermissionDecision): boolean {
      const question = pending.get(id)
      if (question?.conversation !== conversation) return false
      question.settle(decision, 'answered')
      return true
    },

    /** Withdraws what a run still asks, because it is over. */
    cancelAll(run: RunId): void {
      for (const question of pending.values()) {
        if (question.run === run) question.settle({ behavior: 'deny', message: 'The run has ended.' }, 'cancelled')
      }
    },
  }
}

function askedEvent(id: string, request: PermissionRequest, clock: Clock): EventPayload {
  return {
    type: 'tool_permission',
    permission_id: id,
    tool_name: request.tool,
    input: request.input,
    permission_suggestions: request.suggestions,
    blocked_path: request.blockedPath ?? null,
    tool_use_id: request.toolUseId ?? null,
    timestamp: new Date(clock.now()).toISOString(),
  }
}

function settledEvent(id: string, decision: PermissionDecision, how: string, clock: Clock): EventPayload {
  return {
    type: 'tool_permission_settled',
    permission_id: id,
    how,
    behavior: decision.behavior,
    ...(decision.behavior === 'deny' && { message: decision.message }),
    timestamp: new Date(clock.now()).toISOString(),
  }
}
