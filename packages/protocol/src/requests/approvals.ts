import { z } from 'zod'
import { ConversationId } from '../conversation-id.ts'
import type { ApprovalId } from '../ids.ts'
import { cwd, hexId, limit, optional, wellFormed } from './fields.ts'

/** Questions of the agent to a person, their answers, and what was allowed for good. */

/** Query of `GET /v1/approvals`. */
export const ApprovalsQuery = z.object({
  state: z.enum(['pending', 'all']).default('pending'),
  conversation_id: optional(ConversationId),
  limit,
})

/** Path of `/v1/approvals/{id}`. */
export const ApprovalPath = z.object({ id: hexId.transform((id) => id as ApprovalId) })

/** Body of `POST /v1/approvals/{id}`. */
export const ApprovalAnswer = z.object({
  behavior: z.enum(['allow', 'deny']),
  message: optional(wellFormed.max(100_000)),
  updated_input: optional(z.record(z.string(), z.unknown())),
  remember: z.enum(['none', 'session', 'project']).default('none'),
  answers: optional(z.record(z.string(), z.unknown())),
  response: optional(wellFormed.max(100_000)),
  interrupt: optional(z.boolean()),
})

/** Body of `POST /v1/agent/tool_permission`. */
export const PermissionAnswer = z.object({
  conversation_id: ConversationId,
  cwd: optional(cwd),
  permission_id: z.string().min(1).max(128),
  behavior: z.enum(['allow', 'deny']),
  message: optional(wellFormed),
})

/** Query of `GET /v1/approval-rules`. */
export const RulesQuery = z.object({ conversation_id: optional(ConversationId), cwd: optional(cwd) })

/** Path of `DELETE /v1/approval-rules/{id}`. */
export const RulePath = z.object({ id: hexId })
