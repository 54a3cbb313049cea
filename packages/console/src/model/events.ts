/** Events as this page reads them (PROTOCOL.md section 4). What is not named is there, too, and not looked at. */
export interface Event {
  readonly type: string
  readonly subtype?: string
  readonly timestamp?: string
  readonly message?: { readonly content?: unknown; readonly model?: string; readonly id?: string }
  readonly parent_tool_use_id?: string | null
  readonly [field: string]: unknown
}

export type Input = Readonly<Record<string, unknown>>

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

export interface Attached {
  readonly attachment_id: string
  readonly name: string | null
  readonly media_type: string
  readonly bytes: number
}

/** The agent asks a person (PROTOCOL.md 7.1). */
export interface Question {
  readonly permission_id: string
  readonly kind: string
  readonly tool_name: string
  readonly input: Input
  readonly tool_use_id: string | null
  readonly rules: readonly string[]
  readonly deadline: string | null
}

/** How that ended. */
export interface Settled {
  readonly permission_id: string
  readonly how: string
  readonly behavior: string
  readonly by: string
  readonly message?: string
  readonly remembered?: unknown
}
