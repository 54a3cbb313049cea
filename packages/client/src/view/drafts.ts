import { type AgentEvent, isEvent, type Piece } from '../events.ts'

/** What is being written: the beginning of what an event will say. */
export interface Draft {
  readonly kind: 'text' | 'thinking' | 'tool_input'
  /** The tool call of the agent that writes; null for the main thread. */
  readonly agent: string | null
  readonly block: number
  /** Of a tool's input JSON that is not complete. */
  readonly text: string
  readonly toolUseId: string | undefined
  readonly tool: string | undefined
}

/** What is shown between the events (PROTOCOL.md 3.14). */
export interface Drafts {
  readonly texts: ReadonlyMap<string, Draft>
  /** What the agent is at while it says nothing. */
  readonly status: Piece | undefined
  /** How far tool calls and background tasks are, by their ids. */
  readonly progress: ReadonlyMap<string, Piece>
}

export const noDrafts: Drafts = { texts: new Map(), status: undefined, progress: new Map() }

/** With what a piece shows. */
export function draftsWith(drafts: Drafts, piece: Piece): Drafts {
  switch (piece.kind) {
    case 'text':
    case 'thinking':
    case 'tool_input':
      return withText(drafts, piece, piece.kind)
    case 'status':
      return { ...drafts, status: piece.status ? piece : undefined }
    case 'tool_progress':
      return withProgress(drafts, piece.tool_use_id ?? '', piece)
    case 'task_progress':
      return withProgress(drafts, piece.task_id ?? '', piece)
    default:
      return drafts
  }
}

/** Without what an event takes the place of. */
export function draftsWithout(drafts: Drafts, event: AgentEvent): Drafts {
  if (drafts === noDrafts) return drafts
  if (event.type === 'result') return noDrafts
  if (event.type === 'assistant') {
    const agent = event['parent_tool_use_id'] ?? null
    const texts = new Map([...drafts.texts].filter(([, draft]) => draft.agent !== agent))
    return { ...drafts, texts, status: agent === null ? undefined : drafts.status }
  }
  if (isEvent(event, 'user')) {
    const over = event.message.content.map((block) => ('tool_use_id' in block ? block.tool_use_id : ''))
    return withoutProgress(drafts, over)
  }
  if (event['subtype'] === 'task_notification') return withoutProgress(drafts, [String(event['task_id'])])
  return drafts
}

function withText(drafts: Drafts, piece: Piece, kind: Draft['kind']): Drafts {
  const { parent_tool_use_id: agent = null, block = 0, offset = 0, text, tool_use_id: id, tool_name: tool } = piece
  const key = `${agent ?? ''} ${block}`
  const texts = new Map(drafts.texts)
  const before = texts.get(key)?.text ?? ''
  if (typeof text !== 'string') texts.delete(key)
  // What would leave a hole belongs to a draft that is not here.
  else if (offset > before.length) return drafts
  else texts.set(key, { kind, agent, block, text: before.slice(0, offset) + text, toolUseId: id ?? undefined, tool })
  return { ...drafts, texts }
}

function withProgress(drafts: Drafts, id: string, piece: Piece): Drafts {
  return { ...drafts, progress: new Map(drafts.progress).set(id, piece) }
}

function withoutProgress(drafts: Drafts, ids: readonly string[]): Drafts {
  if (!ids.some((id) => drafts.progress.has(id))) return drafts
  return { ...drafts, progress: new Map([...drafts.progress].filter(([id]) => !ids.includes(id))) }
}
