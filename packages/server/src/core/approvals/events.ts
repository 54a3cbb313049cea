import type { EventPayload } from '@claude-proxy/protocol/events'
import type { ApprovalId } from '@claude-proxy/protocol/ids'
import type { NewApproval, SettleApproval } from '../ports/approval.ts'
import { timestamp } from '../timestamp.ts'

/** The event that asks (PROTOCOL.md section 7). */
export function askedEvent({ id, request, askedAt, deadline }: NewApproval): EventPayload {
  return {
    type: 'tool_permission',
    permission_id: id,
    kind: request.kind,
    tool_name: request.tool,
    input: request.input,
    permission_suggestions: request.suggestions,
    blocked_path: request.blockedPath ?? null,
    tool_use_id: request.toolUseId ?? null,
    rules: request.rules,
    deadline: deadline === undefined ? null : timestamp(deadline),
    timestamp: timestamp(askedAt),
  }
}

const HOW = { allowed: 'answered', denied: 'answered', expired: 'expired', cancelled: 'cancelled' } as const

/** The event that says how it was settled. */
export function settledEvent(
  id: ApprovalId,
  state: SettleApproval['state'],
  { decision, by, at }: SettleApproval['settlement'],
  remembered: readonly string[],
): EventPayload {
  return {
    type: 'tool_permission_settled',
    permission_id: id,
    how: HOW[state],
    behavior: decision.behavior,
    ...(decision.behavior === 'deny' && { message: decision.message }),
    ...(decision.behavior === 'allow' && decision.updatedInput && { updated_input: decision.updatedInput }),
    ...(remembered.length > 0 && { remembered }),
    by,
    timestamp: timestamp(at),
  }
}
