/** A message of a session, as far as it matters for where the session may end. */
export interface SaidMessage {
  readonly uuid: string
  readonly message: unknown
}

/** The messages that a session could end with: those after which no tool call waits for its result. */
export function possibleEnds(messages: readonly SaidMessage[]): string[] {
  const open = new Set<unknown>()
  return messages.flatMap(({ uuid, message }) => {
    for (const block of blocksOf(message)) {
      if (block.type === 'tool_use') open.add(block.id)
      if (block.type === 'tool_result') open.delete(block.tool_use_id)
    }
    return open.size === 0 ? [uuid] : []
  })
}

interface Block {
  readonly type?: unknown
  readonly id?: unknown
  readonly tool_use_id?: unknown
}

function blocksOf(message: unknown): Block[] {
  const content = typeof message === 'object' && message !== null && 'content' in message ? message.content : undefined
  return Array.isArray(content) ? content.filter((block) => typeof block === 'object' && block !== null) : []
}
