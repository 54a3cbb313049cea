import { z } from 'zod'
import { folder, id, time } from './fields.ts'

/** Questions of the agent to a person, and what was allowed for good. */

const Decision = z.union([
  z.object({ behavior: z.literal('allow'), updated_input: z.record(z.string(), z.unknown()).nullable() }),
  z.object({ behavior: z.literal('deny'), message: z.string(), interrupt: z.boolean() }),
])

/** See PROTOCOL.md 7.5. */
export const Approval = z
  .object({
    approval_id: id,
    conversation_id: id,
    run_id: id,
    state: z.enum(['pending', 'allowed', 'denied', 'expired', 'cancelled']),
    kind: z.enum(['tool', 'question', 'plan', 'elicitation']),
    tool_name: z.string(),
    input: z.record(z.string(), z.unknown()),
    permission_suggestions: z.array(z.string()).describe('Rules that the agent suggests. Shown, never applied.'),
    blocked_path: z.string().nullable(),
    tool_use_id: z.string().nullable(),
    rules: z.array(z.string()).describe('What "remember" stores; empty where there is no such rule.'),
    asked_at: time,
    deadline: time.nullable(),
    settled_at: time.nullable(),
    settled_by: z.string().nullable(),
    decision: Decision.nullable(),
  })
  .describe('A question of the agent to a person.')

export const Approvals = z.object({ approvals: z.array(Approval) })

/** At the door of version 1. */
export const Permitted = z.object({ ok: z.literal(true) })

export const Rule = z
  .object({
    rule_id: id,
    scope: z.enum(['session', 'project']).describe('Where it holds: in its conversation, or in its folder.'),
    rule: z.string(),
    conversation_id: id,
    cwd: folder,
    approval_id: id.describe('The question that it was the answer to.'),
    created_at: time,
  })
  .describe('What a person has allowed for good.')

export const Rules = z.object({ rules: z.array(Rule) })

export const RemovedRule = z.object({ removed: id })
