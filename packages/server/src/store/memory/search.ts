import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Found, Looked, SearchIndex } from '../../core/ports/search.ts'
import type { Store } from '../../core/ports/store.ts'
import type { Page } from '../../core/ports/event.ts'
import { marked, type Query } from '../../core/search/query.ts'
import { searchTexts } from '../../core/search/text.ts'
import { type Word, wordsOf } from '../../core/search/words.ts'

interface Known {
  readonly upTo: number
  /** By number, in order. */
  readonly events: Map<number, readonly Word[]>
}

/** What is read of a conversation at once. */
const PAGE_BYTES = 256 * 1024

/** An index that looks through everything: the reference for others. */
export function createMemorySearch(store: Pick<Store, 'page'>): SearchIndex {
  const known = new Map<ConversationId, Known>()
  let isClosed = false

  function find(query: Query, conversation: ConversationId, each: number, before = Number.POSITIVE_INFINITY): Found[] {
    const events = [...(known.get(conversation)?.events ?? [])]
    const numbers = events.filter(([n, words]) => n < before && marked(query, words).length > 0).map(([n]) => n)
    return numbers.length === 0 ? [] : [{ conversation, numbers: numbers.toReversed().slice(0, each) }]
  }

  async function catchUp(conversations: readonly ConversationId[], atMostBytes: number): Promise<Looked[]> {
    const looked: Looked[] = []
    let bytes = 0
    for (const conversation of conversations) {
      const into = known.get(conversation) ?? { upTo: 0, events: new Map() }
      const page = await store.page(conversation, into.upTo, PAGE_BYTES)
      if (page.head < into.upTo) known.delete(conversation)
      else if (page.count > 0) known.set(conversation, take(into, page))
      looked.push({ conversation, isLevel: page.head === (known.get(conversation)?.upTo ?? 0) })
      bytes += page.lines.length
      if (bytes >= atMostBytes) break
    }
    return looked
  }

  function does<T>(operation: () => T | Promise<T>): Promise<T> {
    return Promise.try(() => {
      if (isClosed) throw new AppError('shutting_down', 'The index is closed.')
      return operation()
    })
  }

  return {
    positions: () => does(() => new Map(Array.from(known, ([id, { upTo }]) => [id, upTo]))),
    catchUp: (conversations, atMostBytes) => does(() => catchUp(conversations, atMostBytes)),
    everywhere: (query, each) => does(() => [...known.keys()].flatMap((id) => find(query, id, each))),
    within: (query, conversations, each, before) =>
      does(() => conversations.flatMap((id, n) => find(query, id, each, n === 0 ? before : undefined))),
    tidy: () => does(() => false),
    close() {
      isClosed = true
      return Promise.resolve()
    },
  }
}

function take({ upTo, events }: Known, page: Page): Known {
  for (const { number, text } of searchTexts(page)) events.set(number, [...wordsOf(text)])
  return { upTo: upTo + page.count, events }
}
