import { type Attached, type Block, blocksOf, type Event, type Input, type Question, type Settled } from './events.ts'

/** What a person reads, one after another. `version` grows when something about it has changed. */
export type Item = { readonly seq: number; version: number } & (
  | {
      readonly kind: 'prompt'
      readonly text: string
      readonly attached: readonly Attached[]
      readonly steers: boolean
      readonly at: string | undefined
    }
  | { readonly kind: 'answer' | 'thinking'; readonly text: string }
  | Call
  | { readonly kind: 'question'; readonly question: Question; settled: Settled | undefined }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'end'
      readonly subtype: string
      readonly isError: boolean
      readonly text: string
      readonly facts: string
      /** The number of the event that began the run; 0 where that is not here. */
      readonly begun: number
    }
)

/** A tool call, what it came to, and what an agent that it called has done. */
export interface Call {
  readonly kind: 'call'
  readonly seq: number
  version: number
  readonly id: string
  readonly tool: string
  readonly input: Input
  readonly parent: string | undefined
  result: { readonly text: string; readonly images: readonly string[]; readonly isError: boolean } | undefined
  readonly children: Item[]
}

/** Items that are shown and put aside together. */
export interface Page {
  readonly items: Item[]
  version: number
}

const PAGE_ITEMS = 20

/**
 * A conversation as a person reads it. It grows in place: 10,000 events are looked at once each, and who shows it
 * compares versions.
 */
export function createTranscript() {
  let pages: Page[] = []
  let calls = new Map<string, { call: Call; page: Page }>()
  let questions = new Map<string, { item: Extract<Item, { kind: 'question' }>; page: Page }>()
  let begun = 0

  function add(seq: number, event: Event): void {
    const parent = event.parent_tool_use_id ?? undefined
    switch (event.type) {
      case 'user':
        return addUser(seq, event, parent)
      case 'assistant':
        for (const block of blocksOf(event)) addBlock(seq, block, parent)
        return undefined
      case 'tool_permission': {
        const item = {
          kind: 'question' as const,
          seq,
          version: 0,
          question: event as Event & Question,
          settled: undefined,
        }
        questions.set(item.question.permission_id, { item, page: put(item, undefined) })
        return undefined
      }
      case 'tool_permission_settled':
        return settle(event as Event & Settled)
      case 'result':
        return void put({ kind: 'end', seq, version: 0, begun, ...endOf(event) }, undefined)
      default: {
        const text = noteOf(event)
        if (BEGINNINGS.has(event.subtype ?? '')) begun = seq
        if (text !== undefined) put({ kind: 'note', seq, version: 0, text }, parent)
        return undefined
      }
    }
  }

  function addUser(seq: number, event: Event, parent: string | undefined): void {
    const blocks = blocksOf(event)
    for (const block of blocks) if (block.type === 'tool_result') addResult(block)
    const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : [])).join('\n')
    const attached = (event['attachments'] ?? []) as readonly Attached[]
    if (event['isSynthetic'] === true || (text === '' && attached.length === 0)) return
    const at = event.timestamp
    if (parent === undefined && event['steer'] !== true) begun = seq
    put({ kind: 'prompt', seq, version: 0, text, attached, steers: event['steer'] === true, at }, parent)
  }

  function addBlock(seq: number, block: Block, parent: string | undefined): void {
    const { type, text = '', thinking = '', id = '', name: tool = '', input = {} } = block
    if (type === 'text' && text !== '') put({ kind: 'answer', seq, version: 0, text }, parent)
    else if (type === 'thinking' && thinking !== '') put({ kind: 'thinking', seq, version: 0, text: thinking }, parent)
    else if (type === 'tool_use' || type === 'server_tool_use') {
      const call: Call = { kind: 'call', seq, version: 0, id, tool, input, parent, result: undefined, children: [] }
      calls.set(id, { call, page: put(call, parent) })
    }
  }

  function addResult({ tool_use_id: id = '', content, is_error: isError = false }: Block): void {
    const known = calls.get(id)
    if (!known) return
    known.call.result = { ...readResult(content), isError }
    touch(id)
  }

  function settle(settled: Settled): void {
    const known = questions.get(settled.permission_id)
    if (!known) return
    known.item.settled = settled
    known.item.version++
    known.page.version++
  }

  /** Puts it at the end, or inside the call of the agent that did it. */
  function put(item: Item, parent: string | undefined): Page {
    const outer = parent === undefined ? undefined : calls.get(parent)
    if (outer) {
      outer.call.children.push(item)
      touch(outer.call.id)
      return outer.page
    }
    let page = pages.at(-1)
    if (!page || page.items.length >= PAGE_ITEMS) {
      page = { items: [], version: 0 }
      pages.push(page)
    }
    page.items.push(item)
    page.version++
    return page
  }

  /** The call has changed, and so have those that it is inside of. */
  function touch(id: string): void {
    for (
      let known = calls.get(id);
      known;
      known = known.call.parent === undefined ? undefined : calls.get(known.call.parent)
    ) {
      known.call.version++
      known.page.version++
    }
  }

  return {
    get pages(): readonly Page[] {
      return pages
    },
    /** What waits for a person, oldest first. */
    get open(): Question[] {
      return [...questions.values()].flatMap(({ item }) => (item.settled ? [] : [item.question]))
    },
    add,
    clear(): void {
      pages = []
      calls = new Map()
      questions = new Map()
      begun = 0
    },
  }
}

function readResult(content: unknown): { text: string; images: string[] } {
  if (typeof content === 'string') return { text: content, images: [] }
  const blocks = Array.isArray(content) ? (content as Block[]) : []
  const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : [])).join('\n')
  const images = blocks.flatMap(({ type, source }) =>
    type === 'image' && source?.type === 'base64' ? [`data:${source.media_type};base64,${source.data}`] : [],
  )
  return { text, images }
}

function endOf(event: Event) {
  const { subtype = '', is_error: isError, result, duration_ms: ms, total_cost_usd: usd } = event
  const facts = [
    typeof ms === 'number' && ms > 0 ? `${(ms / 1000).toFixed(1)} s` : '',
    typeof usd === 'number' && usd > 0 ? `$${usd.toFixed(usd < 1 ? 3 : 2)}` : '',
  ]
  const text = isError === true ? wordsOf(result) : ''
  return { subtype, isError: isError === true, text, facts: facts.filter((fact) => fact !== '').join(' · ') }
}

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The few things of the service and the agent that a person wants to know of. */
function noteOf({ type, subtype = '', changes, content }: Event): string | undefined {
  if (type === 'proxy_note') return wordsOf(content) || 'Something is missing here.'
  if (type !== 'system') return undefined
  if (subtype === 'settings_changed' && Array.isArray(changes)) {
    const said = (changes as { setting: string; to: string | null }[]).map(
      ({ setting, to }) => `${setting.replace('_', ' ')}: ${to ?? 'default'}`,
    )
    return said.join(', ')
  }
  return NOTES[subtype]
}

/** How a run begins that no prompt began. */
const BEGINNINGS = new Set(['run_continued', 'run_begun_by_agent'])

const NOTES: Readonly<Record<string, string>> = {
  run_continued: 'Goes on after a restart.',
  run_begun_by_agent: 'Something in the background woke the agent.',
  session_lost: 'The agent has lost its session and goes on in a fresh one.',
  session_adopted: 'Taken over from a terminal.',
  forked: 'Forked from another conversation.',
  files_rewound: 'Files were put back.',
  folder_settings_not_loaded: 'The settings in this folder are not loaded: it is not trusted.',
  compact_boundary: 'The conversation was compacted.',
}
