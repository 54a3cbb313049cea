import type { ApprovalId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'

export type ApprovalKind = 'tool' | 'question' | 'plan' | 'elicitation'

/** pending: waits for a person. expired: its deadline came first. cancelled: nobody wants to know any more. */
export type ApprovalState = 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled'

/** What the agent asks, as the person is shown it. */
export interface ApprovalRequest {
  readonly kind: ApprovalKind
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  readonly toolUseId: string | undefined
  /** Rules the agent suggests, each as JSON. Shown, never applied. */
  readonly suggestions: readonly string[]
  readonly blockedPath: string | undefined
  /** What "always allow" stores; empty where there is no such rule. */
  readonly rules: readonly string[]
}

export interface NewApproval {
  readonly id: ApprovalId
  readonly request: ApprovalRequest
  readonly askedAt: number
  readonly deadline: number | undefined
}

/** How a question was settled, when and by whom: a client by the name it gives itself, else what happened. */
export interface Settlement {
  readonly decision: PermissionDecision
  readonly by: string
  readonly at: number
}

export interface Approval extends NewApproval {
  readonly conversation: ConversationId
  readonly run: RunId
  readonly state: ApprovalState
  /** Its run was cut off before the agent had the answer. */
  readonly carried: boolean
  readonly settlement: Settlement | undefined
}

/** `line`: the event that says so, stored with it. */
export interface SettleApproval {
  readonly id: ApprovalId
  readonly state: Exclude<ApprovalState, 'pending'>
  readonly settlement: Settlement
  readonly line: string
  /** Rules that the person wants to be kept. */
  readonly remember?: readonly NewApprovalRule[]
}

/** `first`: the number of the event. `already`: somebody was sooner; nothing was changed. */
export type Settled =
  | { status: 'settled'; approval: Approval; first: number }
  | { status: 'already'; approval: Approval }
  | { status: 'unknown' }

export interface NewApprovalRule {
  readonly id: string
  readonly scope: 'session' | 'project'
  readonly rule: string
}

export interface ApprovalRule extends NewApprovalRule {
  readonly conversation: ConversationId
  readonly folder: Folder
  /** The question that it was the answer to. */
  readonly approval: ApprovalId
  readonly at: number
}

/** `updatedInput` replaces the call's input; `interrupt` ends the turn. */
export type PermissionDecision =
  | { readonly behavior: 'allow'; readonly updatedInput?: Readonly<Record<string, unknown>> }
  | { readonly behavior: 'deny'; readonly message: string; readonly interrupt?: boolean }
