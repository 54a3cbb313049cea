import type { ApprovalId, RunId } from '@claude-proxy/protocol/ids'
import { isBelow } from '../../core/folders.ts'
import type { Approval, ApprovalRule, NewApproval, SettleApproval, Settled } from '../../core/ports/approval.ts'
import type { Store } from '../../core/ports/store.ts'
import { certain } from '../../core/certain.ts'
import { appendEvents, checkLines } from './events.ts'
import type { State } from './state.ts'

/** Before anything is stored with it. */
export function checkAsked(state: State, asked: readonly NewApproval[]): void {
  for (const { id } of asked) if (state.approvals.has(id)) throw new Error(`There is an approval ${id} already.`)
}

export function ask(state: State, run: RunId, asked: readonly NewApproval[]): void {
  const { conversation } = certain(state.runs.get(run), 'the run that asks')
  for (const { id, request, askedAt, deadline } of asked) {
    const open = { state: 'pending', carried: false, settlement: undefined } as const
    state.approvals.set(id, { id, conversation, run, request, askedAt, deadline, ...open })
  }
}

export function approvals(
  state: State,
  { conversation, isPending, isCarried, within, limit }: Parameters<Store['approvals']>[0],
): Approval[] {
  const fits = (each: Approval) =>
    (conversation === undefined || each.conversation === conversation) &&
    (!isPending || each.state === 'pending') &&
    (!isCarried || each.carried) &&
    (within === undefined ||
      isBelow(certain(state.conversations.get(each.conversation), 'who was asked').folder, within))
  return [...state.approvals.values()].filter((each) => fits(each)).slice(-limit)
}

export function settleApproval(all: State, { id, state, settlement, line, remember = [] }: SettleApproval): Settled {
  checkLines([line])
  const known = all.approvals.get(id)
  if (known === undefined) return { status: 'unknown' }
  if (known.state !== 'pending') return { status: 'already', approval: known }
  const { first } = appendEvents(all, known.conversation, [line], settlement.at)
  const approval: Approval = { ...known, state, settlement }
  all.approvals.set(id, approval)
  const { folder } = certain(all.conversations.get(known.conversation), 'the conversation of an approval')
  for (const rule of remember) {
    all.rules.set(rule.id, { ...rule, conversation: known.conversation, folder, approval: id, at: settlement.at })
  }
  return { status: 'settled', approval, first }
}

export function carryApprovals(state: State, run: RunId, toolUseIds: readonly string[]): void {
  for (const [id, each] of state.approvals) {
    const { toolUseId } = each.request
    const isAnswered = each.state === 'allowed' || each.state === 'denied'
    const isLeft = each.state === 'pending' || (isAnswered && toolUseId !== undefined && toolUseIds.includes(toolUseId))
    if (each.run === run && isLeft) state.approvals.set(id, { ...each, carried: true })
  }
}

export function dropCarried(state: State, id: ApprovalId): boolean {
  const known = state.approvals.get(id)
  if (!known?.carried) return false
  state.approvals.set(id, { ...known, carried: false })
  return true
}

export function approvalRules(
  state: State,
  { conversation, folder }: Parameters<Store['approvalRules']>[0],
): ApprovalRule[] {
  const all = [...state.rules.values()].toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  if (conversation === undefined && folder === undefined) return all
  return all.filter((rule) =>
    rule.scope === 'session' ? rule.conversation === conversation : rule.folder === folder && folder !== undefined,
  )
}
