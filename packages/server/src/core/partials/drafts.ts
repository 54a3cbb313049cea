import type { EventPayload } from '@claude-proxy/protocol/events'
import type { RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import type { PartialUpdate, StatusAbout } from '../ports/partial.ts'

/** What is kept of one block and of a whole run, and how many things a run may show at once. */
const BLOCK_CHARS = 256 * 1024
const RUN_CHARS = 1024 * 1024
const MOST_SHOWN = 200

/** A block that is being written. It grows; whatever else happens to it makes another one of it. */
interface Text {
  readonly about: { readonly kind: string }
  readonly parent: string | null
  readonly block: number
  text: string
  /** Something of it had no room: what comes after that would leave a gap. */
  isCut: boolean
  /** It came to nothing. */
  readonly isVoid: boolean
}

/** How something stands. What changes makes another one of it. */
interface State {
  readonly about: { readonly kind: string }
  readonly isVoid: boolean
}

/** What a reader has been shown: which one, and how much of it. */
interface Glance {
  readonly of: Text | State
  readonly length: number
}
export type Seen = ReadonlyMap<string, Glance>

export interface News {
  readonly lines: readonly string[]
  /** What the reader has seen with them. */
  readonly seen: Seen
}

/**
 * What a run shows now: the blocks that are being written, as far as they are, what the agent is at, and how far its
 * tools have come. What an event replaces is taken off before that event is stored.
 */
export class Drafts {
  readonly #run: RunId
  readonly #texts = new Map<string, Text>()
  /** The status, and progress by the id of what is under way. */
  readonly #states = new Map<string, State>()
  #chars = 0

  constructor(run: RunId) {
    this.#run = run
  }

  /** Takes in what the agent shows. */
  apply(update: PartialUpdate): void {
    if (update.kind === 'message') this.#beginMessage(update.parent)
    else if (update.kind === 'block') this.#beginBlock(update)
    else if (update.kind === 'more') this.#grow(textKey(update.parent, update.block), update.text)
    else if (update.kind === 'status') this.#setStatus(update.status)
    else if (this.#hasRoom(update.id)) this.#states.set(update.id, { about: update.about, isVoid: false })
  }

  /** Takes off what the event replaces. */
  supersede(payload: EventPayload): void {
    if (payload.type === 'assistant') this.#remove(payload['parent_tool_use_id'] ?? null)
    for (const id of endedBy(payload)) {
      this.#states.delete(id)
      this.#remove(id)
    }
    // The turn is over: what was begun in it and got no event will get none.
    if (payload['subtype'] === 'turn_result') this.#beginMessage(null)
  }

  /** What is new for a reader. `after` is the number of the run's last event. */
  newsFor(seen: Seen, after: number): News {
    const lines: string[] = []
    const next = new Map<string, Glance>()
    for (const [key, text] of this.#texts) {
      const before = seen.get(key)
      const from = before?.of === text ? before.length : 0
      const to = wholeLength(text.text)
      if (isNews(text, before, to > from)) {
        const piece = { ...text.about, offset: from, text: text.isVoid ? null : text.text.slice(from, to) }
        lines.push(this.#line(piece, after))
        next.set(key, { of: text, length: to })
      } else if (before) next.set(key, before)
    }
    for (const [key, state] of this.#states) {
      const before = seen.get(key)
      if (isNews(state, before, before?.of !== state)) {
        lines.push(this.#line(state.about, after))
        next.set(key, { of: state, length: 0 })
      } else if (before) next.set(key, before)
    }
    return { lines, seen: next }
  }

  #beginMessage(parent: string | null): void {
    for (const [key, text] of this.#texts) {
      if (text.parent !== parent || text.isVoid) continue
      this.#chars -= text.text.length
      this.#texts.set(key, { ...text, text: '', isVoid: true })
    }
    if (parent === null) this.#setStatus(null)
  }

  #beginBlock({ parent, block, about, text }: Extract<PartialUpdate, { kind: 'block' }>): void {
    const key = textKey(parent, block)
    if (!this.#hasRoom(key)) return
    this.#chars -= this.#texts.get(key)?.text.length ?? 0
    const fields = { ...about, parent_tool_use_id: parent, block }
    this.#texts.set(key, { about: fields, parent, block, text: '', isCut: false, isVoid: false })
    this.#grow(key, text)
    if (parent === null) this.#setStatus(null)
  }

  #grow(key: string, more: string): void {
    const text = this.#texts.get(key)
    // Its beginning was not seen, or has no room: what there is to read is its event.
    if (!text || text.isCut || text.isVoid) return
    const part = more.slice(0, Math.min(BLOCK_CHARS - text.text.length, RUN_CHARS - this.#chars))
    text.isCut = part.length < more.length
    text.text += part
    this.#chars += part.length
  }

  #setStatus(status: StatusAbout | null): void {
    const isVoid = status === null
    if (isVoid && this.#states.get(STATUS)?.isVoid !== false) return
    const about = { kind: STATUS, parent_tool_use_id: null, ...(status ?? { status: null }) }
    this.#states.set(STATUS, { about, isVoid })
  }

  /** What was written under `parent` has its event. */
  #remove(parent: unknown): void {
    for (const [key, text] of this.#texts) {
      if (text.parent !== parent) continue
      this.#chars -= text.text.length
      this.#texts.delete(key)
    }
    if (parent === null) this.#states.delete(STATUS)
  }

  #hasRoom(key: string): boolean {
    const isThere = this.#texts.has(key) || this.#states.has(key)
    return isThere || this.#texts.size + this.#states.size < MOST_SHOWN
  }

  #line({ kind, ...fields }: { readonly kind: string }, after: number): string {
    return toLine({ kind, run_id: this.#run, after, ...fields })
  }
}

const STATUS = 'status'

function textKey(parent: string | null, block: number): string {
  return `${block} ${parent ?? ''}`
}

/** The length without half a character at the end: a client may not be able to read it. */
function wholeLength(text: string): number {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last < 0xdc00 ? text.length - 1 : text.length
}

/** Whether a reader that has seen `before` is told of it. Nothing is worth a word only where there was something. */
function isNews(shown: Text | State, before: Glance | undefined, hasMore: boolean): boolean {
  if (shown.isVoid) return before !== undefined && before.of !== shown && !before.of.isVoid
  // The name of a tool is worth knowing before its input begins.
  return hasMore || (shown.about.kind === 'tool_input' && before?.of !== shown)
}

/** The tool calls and background tasks that the event says are over. */
function endedBy(payload: EventPayload): string[] {
  if (payload['subtype'] === 'task_notification') return [String(payload['task_id'])]
  const content = payload.type === 'user' ? (payload['message'] as { content?: unknown } | undefined)?.content : []
  if (!Array.isArray(content)) return []
  return content.flatMap((block: { tool_use_id?: unknown } | null) =>
    typeof block?.tool_use_id === 'string' ? [block.tool_use_id] : [],
  )
}
