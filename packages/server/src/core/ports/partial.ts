/**
 * What an agent lets be seen of what it is about to say. It is shown and never stored: an event follows that holds all
 * of it. `parent` is the tool call of the subagent that it is from; null for the agent itself.
 */
export type PartialUpdate =
  /** A message begins, or is through. What was shown of it and has no event by then gets none. */
  | { kind: 'message'; parent: string | null }
  /** A block of the message begins; `about` holds the fields that readers get with every piece of it. */
  | { kind: 'block'; parent: string | null; block: number; about: BlockAbout; text: string }
  /** More of that block. */
  | { kind: 'more'; parent: string | null; block: number; text: string }
  /** What the agent is at while it says nothing; null: nothing that would be worth saying. */
  | { kind: 'status'; status: StatusAbout | null }
  /** How far something has come that ends with an event which names `id`: a tool call or a background task. */
  | { kind: 'progress'; id: string; about: ProgressAbout }

export type BlockAbout =
  | { readonly kind: 'text' | 'thinking'; readonly message_id?: string }
  | {
      readonly kind: 'tool_input'
      readonly message_id?: string
      readonly tool_use_id: string
      readonly tool_name: string
    }

export interface StatusAbout {
  readonly status: 'requesting' | 'thinking' | 'compacting' | 'retrying'
  readonly [field: string]: unknown
}

export interface ProgressAbout {
  readonly kind: 'tool_progress' | 'task_progress'
  readonly [field: string]: unknown
}
