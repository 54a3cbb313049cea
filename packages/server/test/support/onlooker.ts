/** A piece of what is not stored yet, as it comes over the wire. */
export interface Piece {
  readonly kind: string
  readonly run_id: string
  readonly after: number
  readonly parent_tool_use_id?: string | null
  readonly message_id?: string
  readonly block?: number
  readonly offset?: number
  readonly text?: string | null
  readonly [field: string]: unknown
}

type Event = { type: string; [field: string]: unknown }

export type Looking = ReturnType<typeof createOnlooker>

interface Draft {
  readonly messageId: string | undefined
  readonly text: string
}

/**
 * A client that keeps drafts by the rules of PROTOCOL.md section 3.14, and notes down what must not be: a piece that does
 * not fit, and a draft that is not the beginning of what its event says.
 */
export function createOnlooker() {
  const drafts = new Map<string, Draft>()
  const mistakes: string[] = []
  /** The texts of events, by message: a piece that comes later would be known again. */
  const said = new Set<string>()
  let longest = 0

  return {
    drafts: drafts as ReadonlyMap<string, Draft>,
    mistakes: mistakes as readonly string[],
    /** Characters of the longest draft so far. */
    get longest() {
      return longest
    },

    partial(piece: Piece): void {
      if (piece.block === undefined) return
      const { message_id: messageId, offset = 0, text } = piece
      const key = `${piece.parent_tool_use_id} ${piece.block}`
      const before = drafts.get(key)?.text ?? ''
      if (offset !== 0 && offset !== before.length) mistakes.push(`at ${offset} of ${before.length}: ${text}`)
      if (typeof text !== 'string') {
        drafts.delete(key)
        return
      }
      const whole = offset === 0 ? text : before + text
      if (!whole.isWellFormed()) mistakes.push(`half a character: ${JSON.stringify(whole)}`)
      if (said.has(`${messageId} ${piece.block}`)) mistakes.push(`after its event: ${text}`)
      longest = Math.max(longest, whole.length)
      drafts.set(key, { messageId, text: whole })
    },

    event(event: Event): void {
      if (event.type === 'result') drafts.clear()
      if (event.type !== 'assistant') return
      const parent = (event['parent_tool_use_id'] ?? null) as string | null
      const { id, content } = event['message'] as { id?: string; content: { type: string; text?: string }[] }
      for (const [key, draft] of drafts) {
        if (!key.startsWith(`${parent} `)) continue
        drafts.delete(key)
        // One that was broken off may still be there.
        if (draft.messageId !== id) continue
        const text = content[0]?.text
        if (text !== undefined && !text.startsWith(draft.text))
          mistakes.push(`${text} does not begin with ${draft.text}`)
        if (id !== undefined) said.add(`${id} ${key.split(' ')[1]}`)
      }
    },
  }
}
