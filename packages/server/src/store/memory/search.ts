import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Found, PageToIndex, SearchIndex } from '../../core/ports/search.ts'
import { marked, type Query } from '../../core/search/query.ts'
import { searchTexts } from '../../core/search/text.ts'
import { type Word, wordsOf } from '../../core/search/words.ts'

interface Known {
  upTo: number
  /** By number, in order. */
  readonly events: Map<number, readonly Word[]>
}

/** An index that looks through everything: the reference for others. */
export function createMemorySearch(): SearchIndex {
  const known = new Map<ConversationId, Known>()
  let isClosed = false

  function find(query: Query, conversation: ConversationId, each: number, before = Number.POSITIVE_INFINITY): Found[] {
    const events = [...(known.get(conversation)?.events ?? [])]
    const numbers = events.filter(([n, words]) => n < before && marked(query, words).length > 0).map(([n]) => n)
    return numbers.length === 0 ? [] : [{ conversation, numbers: numbers.toReversed().slice(0, each) }]
  }

  /** All pages or none: those that leave a gap are found before any is taken. */
  function take(pages: readonly PageToIndex[]): void {
    const upTo = new Map(Array.from(known, ([id, each]) => [id, each.upTo]))
    for (const { conversation, page } of pages) {
      const last = upTo.get(conversation) ?? 0
      if (page.first > last + 1) throw new Error(`${conversation} is indexed up to ${last}, not ${page.first - 1}`)
      upTo.set(conversation, Math.max(last, page.first + page.count - 1))
    }
    for (const { conversation, page } of pages) {
      const into = known.get(conversation) ?? { upTo: 0, events: new Map() }
      if (page.first <= into.upTo) continue
      for (const { number, text } of searchTexts(page)) into.events.set(number, [...wordsOf(text)])
      into.upTo += page.count
      known.set(conversation, into)
    }
  }

  function does<T>(operation: () => T): Promise<T> {
    return Promise.try(() => {
      if (isClosed) throw new AppError('shutting_down', 'The index is closed.')
      return operation()
    })
  }

  return {
    positions: () => does(() => new Map(Array.from(known, ([id, { upTo }]) => [id, upTo]))),
    add: (pages) => does(() => take(pages)),
    remove: (conversations) => does(() => conversations.forEach((id) => known.delete(id))),
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
