import { randomUUID } from 'node:crypto'
import type { EventPayload, ResultPayload } from '@claude-proxy/protocol/events'
import type { Attached, Happening, Job } from '../../core/ports/agent.ts'
import type { RunOptions } from '../../core/ports/run.ts'
import type { Directive } from './directives.ts'

/** What the scripted agent says, in the form of Claude Code's own messages. */

export function text(words: string, sessionId: string, timestamp: string): { kind: 'event'; payload: EventPayload } {
  return { kind: 'event', payload: message('assistant', [{ type: 'text', text: words }], sessionId, timestamp) }
}

/** What came with a prompt, with how much of it there is to read. */
export async function listOf(attached: readonly Attached[]): Promise<string> {
  const each = async ({ name, mediaType, read }: Attached) =>
    `${name ?? 'without a name'} (${mediaType}, ${(await read()).length} bytes)`
  return `Attached: ${(await Promise.all(attached.map(each))).join(', ')}`
}

/** What it works with: it has no model, and says what it was asked for. */
export type Tuning = Pick<RunOptions, 'model' | 'effort' | 'permissionMode'>

/** What it says of itself, as Claude Code does in its own way. */
export function factsOf({ model = SCRIPTED, effort, permissionMode = 'default' }: Tuning) {
  return { model, effort: effort ?? null, permissionMode }
}

/** What a run has cost so far, by model. */
export type Spent = Map<string, number>

/** What it was told to have used, and how full that makes it; what it cost goes to `spent`. */
export function used(
  { model = SCRIPTED }: Tuning,
  { input, output, usd }: Extract<Directive, { do: 'use' }>,
  spent: Spent,
): Happening[] {
  spent.set(model, (spent.get(model) ?? 0) + usd)
  const none = { cacheReadTokens: 0, cacheCreationTokens: 0 }
  return [
    { kind: 'facts', facts: { contextTokens: input + output, contextWindow: WINDOW } },
    { kind: 'usage', usage: [{ model, inputTokens: input, outputTokens: output, ...none, costUsd: usd }] },
  ]
}

const SCRIPTED = 'scripted'
/** Tokens. */
const WINDOW = 200_000

export function message(
  role: 'assistant' | 'user',
  content: object[],
  sessionId: string,
  timestamp: string,
): EventPayload {
  return {
    type: role,
    message: role === 'assistant' ? { role, model: 'scripted', content } : { role, content },
    parent_tool_use_id: null,
    uuid: randomUUID(),
    session_id: sessionId,
    timestamp,
  }
}

export function initEvent(job: Job, sessionId: string, timestamp: string): EventPayload {
  const { model, permissionMode } = factsOf(job.options)
  return {
    type: 'system',
    subtype: 'init',
    cwd: job.folder,
    session_id: sessionId,
    tools: ['Bash'],
    model,
    permissionMode,
    agent: 'scripted: no process, no model; it obeys directives in the prompt',
    timestamp,
  }
}

export function success(tuning: Tuning, spent: Spent, sessionId: string, timestamp: string): ResultPayload {
  const costs = [...spent].map(([of, costUSD]) => [of, { costUSD }] as const)
  const { model, permissionMode } = factsOf(tuning)
  return {
    type: 'result',
    subtype: 'success',
    duration_ms: 0,
    duration_api_ms: 0,
    is_error: false,
    num_turns: 1,
    session_id: sessionId,
    total_cost_usd: costs.reduce((sum, [, { costUSD }]) => sum + costUSD, 0),
    model_usage_since_last_result: Object.fromEntries(costs),
    result: 'The script has ended.',
    model,
    permissionMode,
    timestamp,
  }
}
