import type { AgentFacts, ModelUse } from '../../core/ports/account.ts'
import type { AgentMessage } from './normalise.ts'

/** What a message of the agent's says of the agent itself. Pure; what is missing or odd in it is left out. */
export function factsOf(message: AgentMessage, model: string | undefined): AgentFacts {
  if (message.type === 'assistant') return ofResponse(message)
  if (message.type === 'result') return ofResult(message, model)
  if (message.type === 'rate_limit_event') return ofRateLimit(message)
  if (message.type === 'conversation_reset') return { contextTokens: 0 }
  if (message.type !== 'system') return {}
  if (message.subtype === 'compact_boundary') return ofCompaction(message)
  return {
    ...named('model', message.subtype === 'init' ? message['model'] : undefined),
    ...named('version', message['claude_code_version']),
    ...named('permissionMode', message['permissionMode']),
  }
}

/** What the agent has used since its last result, in whatever way: also what subagents and its own helpers used. */
export function usageOf(message: AgentMessage): ModelUse[] {
  // Its totals go on over turns, processes and sessions that are resumed; this is what is new.
  return Object.entries(record(message['model_usage_since_last_result'])).map(([model, value]) => {
    const use = record(value)
    return {
      model,
      inputTokens: count(use['inputTokens']),
      outputTokens: count(use['outputTokens']),
      cacheReadTokens: count(use['cacheReadInputTokens']),
      cacheCreationTokens: count(use['cacheCreationInputTokens']),
      costUsd: typeof use['costUSD'] === 'number' ? use['costUSD'] : undefined,
    }
  })
}

/** Only the main thread's words fill the conversation's context; what the agent says in a model's place is nobody's. */
function ofResponse(message: AgentMessage): AgentFacts {
  const { model, usage } = record(message['message'])
  if (message['parent_tool_use_id'] || typeof model !== 'string' || model === '<synthetic>') return {}
  const counts = record(usage)
  const read = count(counts['input_tokens']) + count(counts['cache_read_input_tokens'])
  const tokens = read + count(counts['cache_creation_input_tokens']) + count(counts['output_tokens'])
  // A response that is still on its way may not have been counted yet.
  return { model, ...(tokens > 0 && { contextTokens: tokens }) }
}

function ofResult(message: AgentMessage, model: string | undefined): AgentFacts {
  const [, own] =
    Object.entries(record(message['modelUsage'])).find(
      ([name, use]) => name === model || (model !== undefined && record(use)['canonicalModel'] === model),
    ) ?? []
  const window = count(record(own)['contextWindow'])
  return window ? { contextWindow: window } : {}
}

/** What is told to those who log in with a subscription; the time is in seconds since 1970. */
function ofRateLimit(message: AgentMessage): AgentFacts {
  const { status, rateLimitType: type, utilization: used, resetsAt } = record(message['rate_limit_info'])
  if (typeof status !== 'string') return {}
  return {
    rateLimit: {
      status,
      ...(typeof type === 'string' && { type }),
      ...(typeof used === 'number' && Number.isFinite(used) && { used }),
      ...(count(resetsAt) > 0 && count(resetsAt) < LAST_SECOND && { resetsAt: count(resetsAt) * 1000 }),
    },
  }
}

/** Of the year 9999. */
const LAST_SECOND = 253_402_300_799

function ofCompaction(message: AgentMessage): AgentFacts {
  const tokens = count(record(message['compact_metadata'])['post_tokens'])
  return tokens > 0 ? { contextTokens: tokens } : {}
}

function named(name: 'model' | 'version' | 'permissionMode', value: unknown): AgentFacts {
  return typeof value === 'string' ? { [name]: value } : {}
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
