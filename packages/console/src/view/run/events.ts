/** Events as the timeline reads them (PROTOCOL.md section 4). What is not named is there, too, and not looked at. */
export interface Event {
  readonly type: string
  readonly subtype?: string
  readonly timestamp?: string
  readonly message?: { readonly content?: unknown; readonly model?: string; readonly id?: string }
  readonly parent_tool_use_id?: string | null
  readonly [field: string]: unknown
}

type Input = Readonly<Record<string, unknown>>

/** A block of a message; which fields it has, its type says. */
export interface Block {
  readonly type: string
  readonly text?: string
  readonly thinking?: string
  readonly id?: string
  readonly name?: string
  readonly input?: Input
  readonly tool_use_id?: string
  readonly content?: unknown
  readonly is_error?: boolean
  readonly source?: { readonly type?: string; readonly media_type?: string; readonly data?: string }
}

export function blocksOf(event: Event): readonly Block[] {
  const content = event.message?.content
  return Array.isArray(content) ? (content as Block[]) : []
}
