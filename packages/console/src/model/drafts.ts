import type { Event } from './events.ts'

/** What is being written and is no event yet (PROTOCOL.md 3.14). */
export interface Draft {
  readonly kind: string
  readonly tool: string | undefined
  readonly text: string
}

interface Piece {
  readonly kind: string
  readonly parent_tool_use_id?: string | null
  readonly block?: number
  readonly offset?: number
  readonly text?: string | null
  readonly tool_name?: string
  readonly status?: string | null
}

/** Drafts by the three rules of PROTOCOL.md 3.14. */
export function createDrafts() {
  const drafts = new Map<string, Draft>()
  let status: string | undefined

  return {
    get all(): readonly Draft[] {
      return [...drafts.values()]
    },
    /** What the agent is at. */
    get status(): string | undefined {
      return status
    },
    take({
      kind,
      parent_tool_use_id: parent,
      block = 0,
      offset = 0,
      text,
      tool_name: tool,
      status: said,
    }: Piece): void {
      if (kind === 'status') status = said ?? undefined
      if (kind !== 'text' && kind !== 'thinking' && kind !== 'tool_input') return
      const key = `${parent ?? ''} ${block}`
      if (text === null || text === undefined) drafts.delete(key)
      else drafts.set(key, { kind, tool, text: offset === 0 ? text : (drafts.get(key)?.text ?? '') + text })
    },
    /** An event takes the place of what was shown of it. */
    replace(event: Event): void {
      if (event.type === 'result') this.clear()
      if (event.type !== 'assistant') return
      const prefix = `${event.parent_tool_use_id ?? ''} `
      for (const key of drafts.keys()) if (key.startsWith(prefix)) drafts.delete(key)
      if (prefix === ' ') status = undefined
    },
    clear(): void {
      drafts.clear()
      status = undefined
    },
  }
}
