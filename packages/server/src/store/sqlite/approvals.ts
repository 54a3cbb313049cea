import type { ApprovalId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type {
  Approval,
  ApprovalRule,
  ApprovalState,
  NewApproval,
  SettleApproval,
  Settled,
} from '../../core/ports/approval.ts'
import type { Store } from '../../core/ports/store.ts'
import { isBelow } from './below.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'

export type ApprovalReads = ReturnType<typeof readApprovals>

/** Finding questions and rules. */
export function readApprovals(db: Database) {
  const select = 'SELECT approval.*, conversation.id AS conversation FROM approval JOIN conversation USING (c)'
  const byId = db.prepare<ApprovalRow>(`${select} WHERE approval.id = ? AND deleted = 0`)
  const newest = (where: string) =>
    db.prepare<ApprovalRow>(`${select} WHERE deleted = 0 AND ${where} ORDER BY a DESC LIMIT ?`)
  const all = newest('a > 0')
  const pending = newest("state = 'pending'")
  const ofConversation = newest('conversation.id = ?')
  const pendingOf = newest("conversation.id = ? AND state = 'pending'")
  const carried = newest('carried = 1')
  const carriedOf = newest('conversation.id = ? AND carried = 1')

  const among = `${isBelow('conversation.folder')} AND conversation.id = coalesce(?, conversation.id)`
  const allWithin = newest(`a > 0 AND ${among}`)
  const pendingWithin = newest(`state = 'pending' AND ${among}`)
  const carriedWithin = newest(`carried = 1 AND ${among}`)

  const ruleColumns =
    'SELECT approval_rule.*, conversation.id AS conversation FROM approval_rule JOIN conversation USING (c)'
  const everyRule = db.prepare<ApprovalRule>(`${ruleColumns} ORDER BY at, approval_rule.id`)
  const rulesOf = db.prepare<ApprovalRule>(`
    ${ruleColumns} WHERE scope = 'session' AND conversation.id = ?
    UNION ALL ${ruleColumns} WHERE scope = 'project' AND approval_rule.folder = ?`)

  return {
    approval: (id: ApprovalId) => toApproval(byId.get(id)),
    approvals({ conversation, isPending, isCarried, within, limit }: Parameters<Store['approvals']>[0]): Approval[] {
      const folders = within && JSON.stringify(within)
      const rows =
        folders !== undefined
          ? (isCarried ? carriedWithin : isPending ? pendingWithin : allWithin).all(
              folders,
              conversation ?? null,
              limit,
            )
          : conversation === undefined
            ? (isCarried ? carried : isPending ? pending : all).all(limit)
            : (isCarried ? carriedOf : isPending ? pendingOf : ofConversation).all(conversation, limit)
      return rows.map((row) => toApproval(row)).toReversed()
    },
    approvalRules({ conversation, folder }: Parameters<Store['approvalRules']>[0]): ApprovalRule[] {
      const isAll = conversation === undefined && folder === undefined
      const rows = isAll ? everyRule.all() : rulesOf.all(conversation ?? null, folder ?? null)
      return rows.map(({ id, scope, rule, conversation: of, folder: place, approval, at }) => {
        return { id, scope, rule, conversation: of, folder: place, approval, at }
      })
    },
  }
}

/** Settling questions, and the rules that come of it. */
export function approvalOperations(db: Database, reads: ApprovalReads, events: EventWrites) {
  const place = db.prepare<{ c: number; folder: Folder }>(
    'SELECT c, folder FROM approval JOIN conversation USING (c) WHERE approval.id = ?',
  )
  const settle = db.prepare("UPDATE approval SET state = ?, settlement = ? WHERE id = ? AND state = 'pending'")
  const keep = db.prepare(
    'INSERT INTO approval_rule (id, c, folder, scope, rule, approval, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const carryPending = db.prepare("UPDATE approval SET carried = 1 WHERE run = ? AND state = 'pending'")
  const carryAnswered = db.prepare(`
    UPDATE approval SET carried = 1
    WHERE run = ? AND state IN ('allowed', 'denied') AND json_extract(request, '$.toolUseId') = ?`)
  const drop = db.prepare('UPDATE approval SET carried = 0 WHERE id = ? AND carried = 1')
  const remove = db.prepare('DELETE FROM approval_rule WHERE id = ?')

  return {
    settleApproval({ id, state, settlement, lines, remember = [] }: ApprovalToSettle): Settled {
      const known = reads.approval(id)
      const at = place.get(id)
      if (known === undefined || at === undefined) return { status: 'unknown' }
      if (settle.run(state, JSON.stringify(settlement), id).changes === 0) return { status: 'already', approval: known }
      const { first } = events.append(at.c, lines, settlement.at)
      for (const { id: rule, scope, rule: text } of remember)
        keep.run(rule, at.c, at.folder, scope, text, id, settlement.at)
      return { status: 'settled', approval: { ...known, state, settlement }, first }
    },
    carryApprovals({ run, toolUseIds }: { run: RunId; toolUseIds: readonly string[] }): void {
      carryPending.run(run)
      for (const id of toolUseIds) carryAnswered.run(run, id)
    },
    dropCarried: (id: ApprovalId): boolean => drop.run(id).changes === 1,
    removeApprovalRule: (id: string): boolean => remove.run(id).changes === 1,
  }
}

export interface ApprovalToSettle extends Omit<SettleApproval, 'line'> {
  readonly lines: readonly Piece[]
}

export type ApprovalWrites = ReturnType<typeof writeApprovals>

/** Storing questions with the events that ask them. */
export function writeApprovals(db: Database) {
  const insert = db.prepare(
    "INSERT INTO approval (id, c, run, state, request, asked_at, deadline) VALUES (?, ?, ?, 'pending', ?, ?, ?)",
  )
  return {
    ask(c: number, run: RunId, { id, request, askedAt, deadline }: NewApproval): void {
      insert.run(id, c, run, JSON.stringify(request), askedAt, deadline ?? null)
    },
  }
}

interface ApprovalRow {
  readonly id: ApprovalId
  readonly conversation: ConversationId
  readonly run: RunId
  readonly state: ApprovalState
  readonly carried: number
  readonly request: string
  readonly asked_at: number
  readonly deadline: number | null
  readonly settlement: string | null
}

function toApproval(row: ApprovalRow): Approval
function toApproval(row: ApprovalRow | undefined): Approval | undefined
function toApproval(row: ApprovalRow | undefined): Approval | undefined {
  return (
    row && {
      id: row.id,
      conversation: row.conversation,
      run: row.run,
      state: row.state,
      carried: row.carried === 1,
      request: toRequest(JSON.parse(row.request)),
      askedAt: row.asked_at,
      deadline: row.deadline ?? undefined,
      settlement: row.settlement === null ? undefined : JSON.parse(row.settlement),
    }
  )
}

/** JSON leaves out what is undefined. */
function toRequest(request: Approval['request']): Approval['request'] {
  return { ...request, toolUseId: request.toolUseId, blockedPath: request.blockedPath }
}
