import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { AgentFacts } from './account.ts'
import type { Conversation } from './conversation.ts'
import type { RunOptions } from './run.ts'

export type SettingName = 'model' | 'effort' | 'permissionMode'

/** What a conversation's next runs begin with where they say nothing themselves. What is left out is the default. */
export interface Settings extends Pick<RunOptions, SettingName> {
  /** The start of the service in which its mode was asked for: one in which nobody is asked holds no longer. */
  readonly start?: string
}

/** What is to become of settings; null: the default. */
export type Adjustments = { readonly [Name in SettingName]?: NonNullable<RunOptions[Name]> | null }

/** What became of it in a process that is alive. */
export interface Adjusted {
  /** What holds from now on, also amid a run. The others wait for the next one. */
  readonly taken: readonly SettingName[]
  /** What the agent says of itself now. */
  readonly facts: AgentFacts
  /** How all that was taken was before. */
  readonly before: Adjustments
}

/** Settings to keep, with the event that tells of it. */
export interface SettingsChange {
  readonly id: ConversationId
  /** They are as these still. */
  readonly from: Settings
  readonly to: Settings
  readonly line: string
  readonly at: number
}

/** `stale`: they were not `from` any more, and nothing was stored. `number`: of the event. */
export type SettingsChanged =
  | { status: 'changed'; conversation: Conversation; number: number }
  | { status: 'stale'; conversation: Conversation }
  | { status: 'unknown' }
