import type { Answer } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import type { ApprovalId } from '@claude-proxy/protocol/ids'
import type { Approval, ApprovalRule, PermissionDecision } from '../core/ports/approval.ts'
import type { Store } from '../core/ports/store.ts'
import { checkForm } from './form.ts'
import { timestamp } from '../core/timestamp.ts'

/** An approval as clients see it (PROTOCOL.md section 7). */
export function approvalBody({
  id,
  conversation,
  run,
  state,
  request,
  askedAt,
  deadline,
  settlement,
}: Approval): Answer<'Approval'> {
  return {
    approval_id: id,
    conversation_id: conversation,
    run_id: run,
    state,
    kind: request.kind,
    tool_name: request.tool,
    input: request.input,
    permission_suggestions: request.suggestions,
    blocked_path: request.blockedPath ?? null,
    tool_use_id: request.toolUseId ?? null,
    rules: request.rules,
    asked_at: timestamp(askedAt),
    deadline: deadline === undefined ? null : timestamp(deadline),
    settled_at: settlement ? timestamp(settlement.at) : null,
    settled_by: settlement?.by ?? null,
    decision: settlement ? decisionBody(settlement.decision) : null,
  }
}

export function ruleBody({ id, scope, rule, conversation, folder, approval, at }: ApprovalRule): Answer<'Rule'> {
  return {
    rule_id: id,
    scope,
    rule,
    conversation_id: conversation,
    cwd: folder,
    approval_id: approval,
    created_at: timestamp(at),
  }
}

export async function approvalNamed(store: Store, id: ApprovalId): Promise<Approval> {
  const known = await store.approval(id)
  if (known) return known
  throw new AppError('approval_unknown', `There is no approval ${id}.`, { approval_id: id })
}

/** Of the contract's door: it knows no difference between answered, expired and never asked. */
export function notOpen(): AppError {
  return new AppError(
    'permission_not_found',
    'No such question is open: it was answered, has expired, or its run is over.',
  )
}

interface AnswerFields {
  readonly behavior: 'allow' | 'deny'
  readonly message?: string | undefined
  readonly updated_input?: Record<string, unknown> | undefined
  readonly answers?: Record<string, unknown> | undefined
  readonly response?: string | undefined
  readonly interrupt?: boolean | undefined
}

/** What the person has decided, as the agent is told it. */
export function decisionOf(body: AnswerFields, { request }: Approval): PermissionDecision {
  if (body.behavior === 'deny') {
    const message = body.message?.trim() || 'Permission denied by user.'
    return { behavior: 'deny', message, ...(body.interrupt === true && { interrupt: true }) }
  }
  const { answers, response, updated_input: updated } = body
  if (request.kind === 'elicitation') checkForm(answers ?? {}, request.input['requestedSchema'])
  if (answers === undefined && response === undefined)
    return { behavior: 'allow', ...(updated && { updatedInput: updated }) }
  if (request.kind === 'tool' || request.kind === 'plan')
    throw new AppError('bad_request', `answers belong to a question; this one is a ${request.kind}.`)
  if (request.kind === 'question') checkAnswers(answers ?? {}, request.input)
  const told = { ...(answers && { answers }), ...(response !== undefined && { response }) }
  return { behavior: 'allow', updatedInput: { ...request.input, ...updated, ...told } }
}

/** Each answer is to a question that was asked, by its words. */
function checkAnswers(answers: Record<string, unknown>, input: Readonly<Record<string, unknown>>): void {
  const asked: { question?: unknown }[] = Array.isArray(input['questions']) ? input['questions'] : []
  for (const [question, answer] of Object.entries(answers)) {
    if (!asked.some((each) => each.question === question))
      throw new AppError('bad_request', `answers: there is no question "${question}".`)
    if (typeof answer !== 'string')
      throw new AppError('bad_request', `answers: the answer to "${question}" is no text.`)
  }
}

function decisionBody(decision: PermissionDecision): Answer<'Approval'>['decision'] {
  if (decision.behavior === 'allow') return { behavior: 'allow', updated_input: decision.updatedInput ?? null }
  return { behavior: 'deny', message: decision.message, interrupt: decision.interrupt ?? false }
}
