import type { AttachmentMark } from '@claude-proxy/protocol/events'
import type { AgentEvent, PermissionEvent } from '../events.ts'

/** Something that stands in a conversation, in the order of the log. */
export type Entry = Prompt | Words | ToolCall | Question | Note | End | Gap

interface Base {
  /** No other entry has it. */
  readonly key: string
  /** The number of its event. */
  readonly seq: number
  /** ISO 8601 */
  readonly at: string | undefined
}

/** What a person has asked for. */
export interface Prompt extends Base {
  readonly kind: 'prompt'
  readonly text: string
  readonly attachments: readonly AttachmentMark[]
  /** Whether it went into a run that was under way. */
  readonly steers: boolean
  /** Of one that has waited. */
  readonly promptId: string | undefined
}

/** What the agent has said, or thought. */
export interface Words extends Base {
  readonly kind: 'text' | 'thinking'
  readonly text: string
}

export interface ToolCall extends Base {
  readonly kind: 'call'
  /** Also of the entries of the agent that it calls, in `agents` of the view. */
  readonly id: string
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  /** `cut`: its run was over before it was. */
  readonly state: 'running' | 'done' | 'failed' | 'cut'
  /** What it has said: a text or blocks. */
  readonly result: unknown
  readonly durationMs: number | undefined
}

/** What the agent asks a person. */
export interface Question extends Base {
  readonly kind: 'question'
  /** For `client.answer`. */
  readonly id: string
  readonly about: PermissionEvent['kind']
  readonly tool: string
  readonly toolUseId: string | undefined
  readonly input: Readonly<Record<string, unknown>>
  /** What `remember` would store. */
  readonly rules: readonly string[]
  readonly deadline: string | undefined
  readonly state: 'pending' | 'allowed' | 'denied' | 'expired' | 'cancelled'
  readonly by: string | undefined
  /** Why it was denied. */
  readonly message: string | undefined
}

/** What else was told: by the service or the agent (`system`), to itself (`user`), or by an import (`proxy_note`). */
export interface Note extends Base {
  readonly kind: 'note'
  readonly event: AgentEvent
}

/** A run is over. */
export interface End extends Base {
  readonly kind: 'end'
  /** The number of the event that began it; undefined where that is not here. */
  readonly begun: number | undefined
  readonly subtype: string
  readonly isError: boolean
  /** For a person. */
  readonly text: string
  /** From what began it, waiting for a person included; undefined where that is not here. */
  readonly durationMs: number | undefined
  /** Of this run alone, by the agent's own estimate; undefined where it is not known of all of it. */
  readonly costUsd: number | undefined
}

/** Events that cannot be had any more. */
export interface Gap extends Base {
  readonly kind: 'gap'
  readonly after: number
  readonly before: number
}
