import type { BlockAbout, PartialUpdate, StatusAbout } from '../../core/ports/partial.ts'
import type { AgentMessage } from './normalise.ts'

/**
 * A message of the agent's that is no part of the transcript becomes something to look at meanwhile (PROTOCOL.md
 * section 3.14). Pure. Undefined for all other messages, and for what nobody would want to see.
 */
export function readPartial(message: AgentMessage, now: number): PartialUpdate | undefined {
  if (message.type === 'stream_event') return readStreamEvent(message)
  if (message.type === 'tool_progress') return toolProgress(message)
  if (message.type !== 'system') return undefined
  if (message.subtype === 'status') return { kind: 'status', status: readStatus(message['status']) }
  if (message.subtype === 'api_retry') return { kind: 'status', status: retrying(message, now) }
  if (message.subtype === 'thinking_tokens')
    return { kind: 'status', status: { status: 'thinking', estimated_tokens: message['estimated_tokens'] } }
  return message.subtype === 'task_progress' ? taskProgress(message) : undefined
}

/** The streaming events of the Messages API, as the agent passes them on. */
function readStreamEvent(message: AgentMessage): PartialUpdate | undefined {
  const event = fields(message['event'])
  const parent = textOr(message['parent_tool_use_id'], null)
  const block = event['index']
  if (event['type'] === 'message_start' || event['type'] === 'message_stop') return { kind: 'message', parent }
  if (typeof block !== 'number') return undefined
  if (event['type'] === 'content_block_start') {
    const begun = fields(event['content_block'])
    const about = aboutBlock(begun, textOr(message['api_message_id'], undefined))
    return about && { kind: 'block', parent, block, about, text: pieceOf(begun) }
  }
  const text = event['type'] === 'content_block_delta' ? pieceOf(fields(event['delta'])) : ''
  return text === '' ? undefined : { kind: 'more', parent, block, text }
}

/** The words in a block that begins, or in a piece of it. A signature is nobody's to read. */
function pieceOf({ text, thinking, partial_json }: Fields): string {
  return [text, thinking, partial_json].find((each) => typeof each === 'string') ?? ''
}

function aboutBlock(begun: Fields, messageId: string | undefined): BlockAbout | undefined {
  const of = messageId === undefined ? {} : { message_id: messageId }
  const { type, id, name } = begun
  if (type === 'text' || type === 'thinking') return { kind: type, ...of }
  // Also those that the API or an MCP server runs.
  if (typeof id === 'string' && typeof name === 'string')
    return { kind: 'tool_input', ...of, tool_use_id: id, tool_name: name }
  return undefined
}

function readStatus(status: unknown): StatusAbout | null {
  return status === 'requesting' || status === 'compacting' ? { status } : null
}

/** The API may ask for any number of seconds. */
const LONGEST_RETRY_MS = 24 * 3600 * 1000

function retrying(message: AgentMessage, now: number): StatusAbout {
  const { attempt, max_retries, retry_delay_ms: delay, error_status, error } = message
  const at = new Date(now + Math.min(Number(delay) || 0, LONGEST_RETRY_MS)).toISOString()
  return { status: 'retrying', attempt, max_retries, retry_delay_ms: delay, retry_at: at, error_status, error }
}

/** A heartbeat has an id of its own, and the call that it is about for its parent. */
function toolProgress(message: AgentMessage): PartialUpdate {
  const id = String(message['parent_tool_use_id'] ?? message['tool_use_id'])
  const { tool_name, elapsed_time_seconds, subagent_retry } = message
  const about = { kind: 'tool_progress' as const, tool_use_id: id, tool_name, elapsed_time_seconds, subagent_retry }
  return { kind: 'progress', id, about }
}

function taskProgress(message: AgentMessage): PartialUpdate {
  const { task_id, tool_use_id, description, last_tool_name, summary, usage } = message
  const about = { kind: 'task_progress' as const, task_id, tool_use_id, description, last_tool_name, summary, usage }
  return { kind: 'progress', id: String(task_id), about }
}

type Fields = Readonly<Record<string, unknown>>

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise
}
