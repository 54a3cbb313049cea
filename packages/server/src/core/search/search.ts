import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Conversation, ConversationFilter, ConversationPosition } from '../ports/conversation.ts'
import type { Found, SearchIndex } from '../ports/search.ts'
import type { Store } from '../ports/store.ts'
import type { Indexer } from './indexer.ts'
import type { Query } from './query.ts'
import { type Snippet, snippet } from './snippet.ts'
import { type HitKind, searchTexts } from './text.ts'

export interface SearchDeps {
  readonly store: Store
  readonly index: SearchIndex
  readonly indexer: Indexer
}

/** An event that a query finds. */
export interface Hit {
  readonly conversation: Conversation
  readonly number: number
  readonly kind: HitKind
  readonly timestamp: string | undefined
  readonly snippet: Snippet
}

/** The hit that a page ended with. */
export interface HitPosition extends ConversationPosition {
  readonly number: number
}

/** `isLevel`: nothing is missing that was stored when it was asked. */
export interface Hits {
  readonly hits: readonly Hit[]
  readonly next: HitPosition | undefined
  readonly isLevel: boolean
}

export type Search = ReturnType<typeof createSearch>

/** How long a search waits for what was stored just before. */
const PATIENCE_MS = 500
/** Conversations that are looked into at once: first the newest, where common words are. */
const LOOK = { first: 8, later: 64 }

/** Finding what was said, and the conversations in which it was: those that were active last first, the newest events first. */
export function createSearch({ store, index, indexer }: SearchDeps) {
  return {
    /** A page of the events that `query` finds, in the conversations that `filter` names. */
    async hits(
      query: Query,
      filter: Omit<ConversationFilter, 'before' | 'limit'>,
      after: HitPosition | undefined,
      limit: number,
    ): Promise<Hits> {
      const isLevel = await indexer.level(PATIENCE_MS)
      const places: Place[] = []
      // One more tells whether there is a next page.
      for await (const place of placesOf(query, filter, after, limit + 1)) {
        places.push(place)
        if (places.length > limit) break
      }
      const page = places.slice(0, limit)
      const last = places.length > limit ? page.at(-1) : undefined
      const hits = []
      for (const place of page) hits.push(await hitAt(query, place))
      return {
        hits: hits.filter((hit) => hit !== undefined),
        next: last && { activeAt: last.conversation.activeAt, id: last.conversation.id, number: last.number },
        isLevel,
      }
    },

    /** To be called when a conversation was deleted. */
    forget: (conversation: ConversationId): void => indexer.note(conversation),

    /** The conversations that `filter` names and `query` finds anything in. */
    async conversations(query: Query, { before, limit, ...filter }: ConversationFilter): Promise<Conversation[]> {
      await indexer.level(PATIENCE_MS)
      const found: Conversation[] = []
      for await (const { conversation } of foundIn(query, { ...filter, before }, 1)) {
        found.push(conversation)
        if (found.length === limit) break
      }
      return found
    },
  }

  /** Where the hits are after one, in order. */
  async function* placesOf(
    query: Query,
    filter: Omit<ConversationFilter, 'before' | 'limit'>,
    after: HitPosition | undefined,
    each: number,
  ): AsyncGenerator<Place> {
    if (after) {
      const [conversation] = await store.conversations({ ...filter, among: among(filter, after.id), limit: 1 })
      const rest = conversation ? await index.within(query, [after.id], each, after.number) : []
      if (conversation) yield* placesIn(conversation, rest)
    }
    for await (const { conversation, numbers } of foundIn(query, { ...filter, before: after }, each))
      // It was active again meanwhile; its hits came with the page before.
      if (conversation.id !== after?.id) yield* placesIn(conversation, [{ conversation: conversation.id, numbers }])
  }

  /** The conversations with hits, in the order of lists. */
  async function* foundIn(
    query: Query,
    { before, ...filter }: Omit<ConversationFilter, 'limit'>,
    each: number,
  ): AsyncGenerator<{ conversation: Conversation; numbers: readonly number[] }> {
    let everywhere: readonly Found[] | undefined
    let ids = filter.among
    let from = before
    for (let limit = LOOK.first; ; limit = LOOK.later) {
      const page = await store.conversations({ ...filter, among: ids, before: from, limit })
      const names = page.map(({ id }) => id)
      const found = everywhere ?? (await index.within(query, names, each))
      const numbers = new Map(found.map((one) => [one.conversation, one.numbers]))
      for (const conversation of page) {
        const there = numbers.get(conversation.id)
        if (there) yield { conversation, numbers: there }
      }
      if (page.length < limit) return
      from = page.at(-1)
      // Not a common word, then: rare ones lead to their conversations.
      if (limit === LOOK.first && ids === undefined) {
        everywhere = await index.everywhere(query, each)
        ids = everywhere?.map(({ conversation }) => conversation)
      }
    }
  }

  /** The hit as the log has it; undefined when it is none: the index may be of another day. */
  async function hitAt(query: Query, { conversation, number }: Place): Promise<Hit | undefined> {
    const page = await store.page(conversation.id, number - 1, 1)
    const [said] = searchTexts({ ...page, count: Math.min(page.count, 1) })
    const piece = said && snippet(query, said.text)
    return piece && { conversation, number, kind: said.kind, timestamp: said.timestamp, snippet: piece }
  }
}

interface Place {
  readonly conversation: Conversation
  readonly number: number
}

function* placesIn(conversation: Conversation, found: readonly Found[]): Generator<Place> {
  for (const { numbers } of found) for (const number of numbers) yield { conversation, number }
}

function among({ among: given }: Pick<ConversationFilter, 'among'>, id: ConversationId): readonly ConversationId[] {
  return given === undefined || given.includes(id) ? [id] : []
}
