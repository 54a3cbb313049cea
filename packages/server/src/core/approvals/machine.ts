import type { ApprovalState } from '../ports/approval.ts'

/** What can happen to a question. */
export type ApprovalInput = 'allow' | 'deny' | 'deadline' | 'withdraw'

/** Where each input leads from each state. Undefined: refused; a question is settled once. */
export const APPROVAL: Record<ApprovalState, Record<ApprovalInput, Exclude<ApprovalState, 'pending'> | undefined>> = {
  pending: { allow: 'allowed', deny: 'denied', deadline: 'expired', withdraw: 'cancelled' },
  allowed: { allow: undefined, deny: undefined, deadline: undefined, withdraw: undefined },
  denied: { allow: undefined, deny: undefined, deadline: undefined, withdraw: undefined },
  expired: { allow: undefined, deny: undefined, deadline: undefined, withdraw: undefined },
  cancelled: { allow: undefined, deny: undefined, deadline: undefined, withdraw: undefined },
}
