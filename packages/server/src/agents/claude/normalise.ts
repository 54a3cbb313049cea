import type { EventPayload, ResultPayload } from '@claude-proxy/protocol/events'

/**
 * A message of the agent's becomes the payload of an event, once, before it is numbered: the keys of the original
 * service in their order, then everything else the message holds (PROTOCOL.md section 4). Pure.
 */

/** A message as the agent sends it. The set of types grows; a message is read by its fields, never rejected. */
export type AgentMessage = { type: string; subtype?: string; [field: string]: unknown }

/** Progress, state and bookkeeping: of use to whoever looks on right now, no part of the transcript. */
const NOT_KEPT = new Set([
  'stream_event',
  'tool_progress',
  'auth_status',
  'prompt_suggestion',
  'command_lifecycle',
  'attachment',
  'active_goal',
  'keep_alive',
  'system/session_state_changed',
  'system/background_tasks_changed',
  'system/status',
  'system/commands_changed',
  'system/plugin_install',
  'system/session_title_changed',
  'system/thinking_tokens',
  'system/task_progress',
  'system/api_retry',
  'system/hook_started',
  'system/hook_progress',
  'system/hook_response',
  'system/notification',
  'system/ui_invalidate',
  'system/control_request_progress',
  'system/worker_shutting_down',
])

/** The payload for `message`, or undefined when it is no part of the transcript. Results have a function of their own. */
export function normalise(message: AgentMessage, timestamp: string): EventPayload | undefined {
  if (NOT_KEPT.has(message.type) || NOT_KEPT.has(`${message.type}/${message.subtype}`)) return undefined
  if (message['skip_transcript'] === true) return undefined
  const { type, message: inner, ...rest } = message
  if (!isObject(inner)) return { type, ...rest, timestamp: message['timestamp'] ?? timestamp }
  const { role, model, content, ...more } = inner
  return {
    type,
    message: {
      role: role ?? type,
      ...(model !== undefined && { model }),
      content: blocks(content),
      ...more,
    },
    ...rest,
    timestamp: message['timestamp'] ?? timestamp,
  }
}

/** Why a turn was cut short, where the agent itself has no words for a person. */
const INTERRUPTED = 'Interrupted by user'

/** The payload of a result message. `result` is always there and a sentence: clients show it. */
export function normaliseResult(message: AgentMessage, timestamp: string): ResultPayload {
  const { type: _, subtype, duration_ms, duration_api_ms, is_error, num_turns, session_id, ...rest } = message
  const { total_cost_usd, usage, result, structured_output, ...more } = rest
  return {
    type: 'result',
    subtype: subtype ?? 'success',
    duration_ms,
    duration_api_ms,
    is_error: is_error === true,
    num_turns,
    session_id,
    ...(total_cost_usd !== undefined && { total_cost_usd }),
    ...(usage !== undefined && { usage }),
    result: typeof result === 'string' ? result : sentence(message),
    ...(structured_output !== undefined && { structured_output }),
    ...more,
    timestamp,
  }
}

/** What `result` is when it does not end the run but only a turn of it: it must not look like the end. */
export function turnResult(result: ResultPayload): EventPayload {
  const { type: _, subtype, ...rest } = result
  return { type: 'system', subtype: 'turn_result', turn_subtype: subtype, ...rest }
}

function sentence(message: AgentMessage): string {
  const reason = message['terminal_reason']
  if (reason === 'aborted_streaming' || reason === 'aborted_tools') return INTERRUPTED
  const errors = Array.isArray(message['errors']) ? message['errors'].filter((error) => typeof error === 'string') : []
  if (errors.length > 0) return errors.join('\n')
  return message['is_error'] === true ? `The agent ended with ${message.subtype ?? 'an error'}.` : ''
}

/** Clients read an array of blocks; compaction summaries and the output of local commands are plain strings. */
function blocks(content: unknown): unknown {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? content.map(block) : content
}

const BLOCK_KEYS: Record<string, readonly string[]> = {
  text: ['type', 'text'],
  thinking: ['type', 'thinking', 'signature'],
  tool_use: ['type', 'id', 'name', 'input'],
  tool_result: ['type', 'tool_use_id', 'content', 'is_error'],
}

/** The block with the original's keys first. */
function block(value: unknown): unknown {
  if (!isObject(value)) return value
  const keys = BLOCK_KEYS[String(value['type'])] ?? ['type']
  const first = keys.filter((key) => key in value).map((key) => [key, value[key]])
  return { ...Object.fromEntries(first), ...value }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
