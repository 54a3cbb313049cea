import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Query } from '../search/query.ts'

/** A conversation that the index has looked at in the store. */
export interface Looked {
  readonly conversation: ConversationId
  /** It has all that there is. */
  readonly isLevel: boolean
}

/** Events that a query finds in one conversation: their numbers, the newest first. */
export interface Found {
  readonly conversation: ConversationId
  readonly numbers: readonly number[]
}

/**
 * An index of what was said (`search/text.ts`). It is derived from the store: it may be behind, may lose everything at
 * any time, and is then filled again. What it says of a conversation counts only if the store still has it.
 */
export interface SearchIndex {
  /** How far it has come in each conversation it knows. */
  positions(): Promise<ReadonlyMap<ConversationId, number>>
  /**
   * Takes in what the store has more of these conversations, one after the other until it has read about so many bytes, all
   * of it or nothing; one of which the store has less was deleted, or is another's, and is forgotten. Tells which it has
   * looked at. Refuses as long as `positions` was not asked for since it may have lost something.
   */
  catchUp(conversations: readonly ConversationId[], atMostBytes: number): Promise<readonly Looked[]>
  /**
   * The newest events, at most `each`, of every conversation that the query finds anything in, in any order. Undefined when
   * those are so many that going through conversations with `within` is the quicker way to the first of them.
   */
  everywhere(query: Query, each: number): Promise<readonly Found[] | undefined>
  /** The newest events, at most `each`, of these conversations, in this order; those before `before` in the first. */
  within(
    query: Query,
    conversations: readonly ConversationId[],
    each: number,
    before?: number,
  ): Promise<readonly Found[]>
  /**
   * Makes sure, a little at a time, that nothing is left of what was forgotten. False when that is done.
   */
  tidy(): Promise<boolean>
  close(): Promise<void>
}
