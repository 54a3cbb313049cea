import type { IncomingMessage } from 'node:http'
import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationChange, RunFields } from '@claude-proxy/protocol/requests'
import type { RunOptions } from '../core/ports/run.ts'
import type { Adjustments } from '../core/ports/settings.ts'
import { decidesBeforehand, isAsking } from '../core/runs/options.ts'
import { type Caller, expectScope } from './caller.ts'
import { parse } from './read.ts'

/** By what the client knows the request again: the header, or the field that stands for it. */
export async function keyOf({ headers }: IncomingMessage, id: string | undefined): Promise<string | undefined> {
  const header = headers['idempotency-key']
  if (header === undefined) return id
  const key = await parse('IdempotencyKey', header)
  if (id === undefined || id === key) return key
  throw new AppError('bad_request', 'Idempotency-Key and client_message_id differ: send one of them.')
}

/**
 * The options of a run as the core names them, without those that were not given. Throws when they decide beforehand what
 * the caller could not decide when it is asked.
 */
export function runOptions(body: RunFields, caller: Caller): RunOptions {
  const approvals = body.tool_approvals
  const options = {
    allowedTools: body.allowed_tools,
    toolApprovals: approvals && { allow: approvals.allow ?? [], deny: approvals.deny ?? [] },
    systemPrompt: body.system_prompt,
    maxTurns: body.max_turns,
    maxBudgetUsd: body.max_budget_usd,
    model: body.model,
    effort: body.effort,
    permissionMode: body.permission_mode,
    mcpServers: body.mcp_servers,
    resume: body.resume,
    continueConversation: body.continue_conversation,
    settings: body.settings,
    settingSources: body.setting_sources,
    deadline: body.approval_deadline,
    canAnswer: body.can_answer,
  }
  const given: RunOptions = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  if (decidesBeforehand(given)) expectScope(caller, 'approve')
  return given
}

/** The settings that are to change as the core names them; undefined when none of them is. */
export function adjustmentsOf(body: ConversationChange, caller: Caller): Adjustments | undefined {
  if (!isAsking(body.permission_mode)) expectScope(caller, 'approve')
  const { model, effort, permission_mode: permissionMode } = body
  const given = Object.entries({ model, effort, permissionMode }).filter(([, value]) => value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}
