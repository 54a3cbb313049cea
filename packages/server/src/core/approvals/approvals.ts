import { AppError } from '@claude-proxy/protocol/errors'
import type { EventPayload } from '@claude-proxy/protocol/events'
import type { ApprovalId, ConversationId, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import type { EventLog } from '../log/log.ts'
import type { Approval, NewApproval, PermissionDecision } from '../ports/approval.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { PermissionRequest } from '../ports/agent.ts'
import type { Run } from '../ports/run.ts'
import type { Store } from '../ports/store.ts'
import { askedEvent, settledEvent } from './events.ts'
import { APPROVAL, type ApprovalInput } from './machine.ts'
import { matches, rulesFor } from './rules.ts'
import { timestamp } from '../timestamp.ts'

export interface ApprovalsDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Log
  readonly newId: () => string
}

/** A question of a run's, and whom to give the answer. */
export interface Question {
  readonly run: Run
  readonly request: PermissionRequest
  /** Aborts when the agent no longer wants to know. */
  readonly signal: AbortSignal
  readonly answer: (decision: PermissionDecision) => void
  /** Stores an event of the run, with the question that it asks; resolves when it is stored, or cannot be. */
  readonly tell: (payload: EventPayload, asked: NewApproval) => Promise<void>
}

/** What a person answers. */
export interface Answer {
  readonly decision: PermissionDecision
  readonly remember: 'none' | 'session' | 'project'
  /** The name that the client gives itself. */
  readonly by: string
}

/** Somebody in this process waits for the answer. */
interface Waiting {
  readonly run: RunId
  readonly answer: (decision: PermissionDecision) => void
  readonly timer: NodeJS.Timeout | undefined
  /** Until then there is nothing to settle. */
  readonly stored: Promise<void>
}

export type Approvals = ReturnType<typeof createApprovals>

/** The most that `setTimeout` takes. */
const LONGEST_MS = 2 ** 31 - 1
/** What cannot be stored now, because the disk is full, say, is tried again. */
const RETRY_MS = 1000
/** More are never carried at once: an agent asks a few at a time. */
const CARRIED = 1000

/** The questions that wait for a person. They are in the store; here is only who waits for the answers. */
export function createApprovals({ store, events, clock, log, newId }: ApprovalsDeps) {
  const waiting = new Map<ApprovalId, Waiting>()
  let onDecided: (conversation: ConversationId) => void = () => {}
  let isStopping = false

  return {
    /** Called when the last question that a cut-off run has left is settled, and a person has answered one of them. */
    set onDecided(listener: typeof onDecided) {
      onDecided = listener
    },

    /**
     * Answers for the person who has decided this already, before a restart or for good; else puts the question to
     * whoever reads the conversation. Never rejects.
     */
    async ask(question: Question): Promise<void> {
      try {
        const known = await decided(question)
        if (known) question.answer(known)
        else if (!question.signal.aborted) put(question)
      } catch (error) {
        log.error('a question could not be asked', { run: question.run.id, error })
        question.answer({ behavior: 'deny', message: 'The question could not be asked.' })
      }
    },

    /** Gives the answer. Throws when there is no such question, or somebody was sooner. */
    async answer(id: ApprovalId, { decision, remember, by }: Answer): Promise<Approval> {
      const known = await store.approval(id)
      if (!known) throw approvalUnknown(id)
      const scope = remember === 'none' ? undefined : remember
      if (scope && (decision.behavior === 'deny' || known.request.rules.length === 0))
        throw new AppError('bad_request', 'remember needs an allowed call, and one that a rule was shown for.')
      const rules = scope ? known.request.rules.map((rule) => ({ id: newId(), scope, rule })) : []
      const settled = await settle(known, decision.behavior, decision, by, rules)
      if (settled) return settled
      const now = await store.approval(id)
      throw now ? alreadyResolved(now) : approvalUnknown(id)
    },

    /**
     * Withdraws what a run still asks, and what it was told and did not use, because it is over. What a stop of the
     * service cuts off stays.
     */
    async endRun({ id: run, conversation }: Run): Promise<void> {
      if (isStopping) await store.carryApprovals(run, [])
      const left = [...waiting].filter(([, each]) => each.run === run)
      for (const [id] of left) await withdraw(id, 'The run has ended.')
      const told = isStopping ? [] : await store.approvals({ conversation, isCarried: true, limit: CARRIED })
      for (const { id, state } of told) if (state !== 'pending') await store.dropCarried(id)
    },

    /** Withdraws what a run that was cut off has left in the conversation: something newer has come. False: it had nothing. */
    async dropCarried(conversation: ConversationId, why: string): Promise<boolean> {
      const carried = await store.approvals({ conversation, isCarried: true, limit: CARRIED })
      for (const each of carried) {
        if (each.state === 'pending') await settle(each, 'withdraw', { behavior: 'deny', message: why }, 'service')
        await store.dropCarried(each.id)
      }
      return carried.length > 0
    },

    /** From now on what is pending stays pending: the next start finds it. */
    suspend(): void {
      isStopping = true
    },

    /** After a start: sets the deadlines of what is pending again. Returns the conversations that wait for answers. */
    async resume(): Promise<Set<ConversationId>> {
      const carried = await store.approvals({ isCarried: true, limit: CARRIED })
      for (const each of carried) if (each.state === 'pending') expireAt(each)
      return new Set(carried.map(({ conversation }) => conversation))
    },

    /** What a person has decided of what a cut-off run asked, once nothing of it is open. */
    async decisions(conversation: ConversationId): Promise<Approval[]> {
      const carried = await store.approvals({ conversation, isCarried: true, limit: CARRIED })
      const isOpen = carried.some(({ state }) => state === 'pending')
      const isAnswered = carried.some(({ state }) => state === 'allowed' || state === 'denied')
      return isOpen || !isAnswered ? [] : carried
    },
  }

  /** What was decided before: for this very call, or by a rule. */
  async function decided({ run, request }: Question): Promise<PermissionDecision | undefined> {
    const { conversation, folder } = run
    for (const each of await store.approvals({ conversation, isCarried: true, limit: CARRIED })) {
      const isSame = each.request.tool === request.tool && isEqual(each.request.input, request.input)
      // Once: the same call a second time is another question.
      if (isSame && each.settlement && (await store.dropCarried(each.id))) return each.settlement.decision
    }
    if (request.kind !== 'tool') return undefined
    const rules = await store.approvalRules({ conversation, folder })
    return rules.some(({ rule }) => matches(rule, request.tool, request.input)) ? { behavior: 'allow' } : undefined
  }

  function put({ run, request, signal, answer, tell }: Question): void {
    const { deadline } = run.options
    const { tool, input, toolUseId, suggestions, blockedPath, kind } = request
    const askedAt = clock.now()
    const approval: NewApproval = {
      id: newId() as ApprovalId,
      request: { kind, tool, input, toolUseId, suggestions, blockedPath, rules: rulesFor(request) },
      askedAt,
      deadline: deadline && askedAt + deadline.seconds * 1000,
    }
    const { id } = approval
    const stored = tell(askedEvent(approval), approval)
    waiting.set(id, { run: run.id, answer, timer: expireAt(approval, deadline?.outcome), stored })
    signal.addEventListener('abort', () => void withdraw(id, 'The question was withdrawn.'))
  }

  /** Settles what nobody wants to know any more, unless the service stops: then the next start brings it again. */
  async function withdraw(id: ApprovalId, why: string): Promise<void> {
    const waits = waiting.get(id)
    if (!waits) return
    waiting.delete(id)
    clearTimeout(waits.timer)
    const decision = { behavior: 'deny', message: why } as const
    try {
      await waits.stored
      const known = isStopping ? undefined : await store.approval(id)
      if (known) await settle(known, 'withdraw', decision, 'service')
    } catch (error) {
      log.error('a question could not be withdrawn', { approval: id, error })
    }
    waits.answer(decision)
  }

  /** Stores how it was settled, then tells who waits. Undefined when somebody was sooner. */
  async function settle(
    { id, conversation, carried }: Approval,
    input: ApprovalInput,
    decision: PermissionDecision,
    by: string,
    remember: readonly { id: string; scope: 'session' | 'project'; rule: string }[] = [],
  ): Promise<Approval | undefined> {
    const state = APPROVAL.pending[input]
    if (state === undefined) throw new Error(`a pending approval takes no ${input}`)
    const settlement = { decision, by, at: clock.now() }
    const line = toLine(
      settledEvent(
        id,
        state,
        settlement,
        remember.map(({ rule }) => rule),
      ),
    )
    const settled = await events.settle({ id, state, settlement, line, remember })
    if (settled.status !== 'settled') return undefined
    const waits = waiting.get(id)
    waiting.delete(id)
    clearTimeout(waits?.timer)
    waits?.answer(decision)
    if (carried && input !== 'withdraw') onDecided(conversation)
    return settled.approval
  }

  /** A question that outlives its deadline is denied. Longer than a timer can take, it is looked at again. */
  function expireAt({ id, deadline }: NewApproval, outcome: 'deny' | 'interrupt' = 'deny'): NodeJS.Timeout | undefined {
    if (deadline === undefined) return undefined
    return setTimeout(
      () => {
        if (clock.now() < deadline) expireAt({ id, deadline } as NewApproval, outcome)
        else void expire(id, outcome)
      },
      Math.min(Math.max(0, deadline - clock.now()), LONGEST_MS),
    ).unref()
  }

  async function expire(id: ApprovalId, outcome: 'deny' | 'interrupt'): Promise<void> {
    const interrupt = outcome === 'interrupt' ? { interrupt: true } : {}
    try {
      await waiting.get(id)?.stored
      const known = await store.approval(id)
      const decision = { behavior: 'deny', message: 'Permission request timed out.', ...interrupt } as const
      if (known && !isStopping) await settle(known, 'deadline', decision, 'deadline')
    } catch (error) {
      log.error('a question could not be settled at its deadline', { approval: id, error })
      // Until it is, its agent waits. The next start has deadlines of its own.
      if (!isStopping) setTimeout(() => void expire(id, outcome), RETRY_MS).unref()
    }
  }
}

function approvalUnknown(id: ApprovalId): AppError {
  return new AppError('approval_unknown', `There is no approval ${id}.`, { approval_id: id })
}

function alreadyResolved({ id, state, settlement }: Approval): AppError {
  const by = settlement?.by ?? 'service'
  const at = timestamp(settlement?.at ?? 0)
  return new AppError('already_resolved', `This was settled already: ${state} by ${by} at ${at}.`, {
    approval_id: id,
    state,
    by,
    at,
  })
}

/** Whether two inputs of a tool are the same JSON, whatever the order of their fields. */
function isEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : each,
  )
}
