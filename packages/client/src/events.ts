import type { Answer } from '@claude-proxy/protocol/endpoints'
import type { AttachmentMark, EventPayload, SettingChange } from '@claude-proxy/protocol/events'

/**
 * An event of a conversation (PROTOCOL.md section 4). There are more types than are named here, and there will be more
 * yet: `isEvent` leads from it to the ones that are known.
 */
export type AgentEvent = Readonly<EventPayload>

/** An event and its number. */
export interface NumberedEvent {
  readonly id: number
  readonly event: AgentEvent
}

/** Events that are known, by their type; of the others there is `AgentEvent`. */
export interface KnownEvents {
  user: UserEvent
  assistant: AssistantEvent
  system: SystemEvent
  result: ResultEvent
  tool_permission: PermissionEvent
  tool_permission_settled: SettledEvent
}

/** Whether it is an event of this type: `if (isEvent(event, 'assistant')) event.message.content …` */
export function isEvent<T extends keyof KnownEvents>(event: AgentEvent, type: T): event is KnownEvents[T] {
  if (event.type !== type) return false
  if (type !== 'assistant' && type !== 'user') return true
  const { message } = event
  return typeof message === 'object' && message !== null && Array.isArray((message as { content?: unknown }).content)
}

interface Base {
  readonly timestamp?: string
  readonly [field: string]: unknown
}

/** A prompt, or what tools have said. */
export interface UserEvent extends Base {
  readonly type: 'user'
  readonly message: { readonly role: 'user'; readonly content: readonly Block[] }
  /** The tool call of the agent that it belongs to; null for the main thread. */
  readonly parent_tool_use_id?: string | null
  readonly prompt_id?: string
  readonly steer?: true
  readonly attachments?: readonly AttachmentMark[]
}

/** What the agent has written. */
export interface AssistantEvent extends Base {
  readonly type: 'assistant'
  readonly message: {
    readonly role: 'assistant'
    readonly id?: string
    readonly model?: string
    readonly content: readonly Block[]
  }
  readonly parent_tool_use_id?: string | null
}

/** A block of a message; see the Messages API for those that are not named. */
export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string }
  | {
      readonly type: 'tool_use' | 'server_tool_use'
      readonly id: string
      readonly name: string
      readonly input: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'tool_result'
      readonly tool_use_id: string
      readonly content?: unknown
      readonly is_error?: boolean
    }
  | { readonly type: 'image' | 'document'; readonly source?: unknown }

/** The last event of a run. What its run took and cost is in its entry of a view. */
export interface ResultEvent extends Base {
  readonly type: 'result'
  readonly subtype: string
  readonly is_error: boolean
  /** For a person. */
  readonly result: string
  /** Of the agent's last turn, without what it waited for before. */
  readonly duration_ms: number
  readonly num_turns: number
  /** Of all that the agent's session has done, also in earlier runs. */
  readonly total_cost_usd?: number
}

/** The agent asks whether it may, or what it should (PROTOCOL.md section 7). */
export interface PermissionEvent extends Base {
  readonly type: 'tool_permission'
  readonly permission_id: string
  readonly kind: Answer<'Approval'>['kind']
  readonly tool_name: string
  readonly input: Readonly<Record<string, unknown>>
  readonly tool_use_id: string | null
  readonly rules: readonly string[]
  readonly deadline: string | null
}

/** How a question was settled. */
export interface SettledEvent extends Base {
  readonly type: 'tool_permission_settled'
  readonly permission_id: string
  readonly how: 'answered' | 'expired' | 'cancelled'
  readonly behavior: 'allow' | 'deny'
  readonly by: string
  readonly message?: string
}

/** What else is to be told, by its `subtype` (PROTOCOL.md 4.4). */
export interface SystemEvent extends Base {
  readonly type: 'system'
  readonly subtype: string
  readonly prompt_id?: string
  readonly changes?: readonly SettingChange[]
}

/** What is being written and is no event yet (PROTOCOL.md 3.14). Pass over kinds that you do not know. */
export interface Piece {
  readonly kind: string
  readonly run_id: string
  /** The run's last event before it. */
  readonly after: number
  readonly parent_tool_use_id?: string | null
  readonly message_id?: string
  readonly block?: number
  readonly offset?: number
  readonly text?: string | null
  readonly tool_use_id?: string | null
  readonly tool_name?: string
  readonly task_id?: string
  readonly status?: string | null
  readonly [field: string]: unknown
}
