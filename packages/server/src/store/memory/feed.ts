import type { FeedPlace } from '@claude-proxy/protocol/feed'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { FeedBatch, FeedPage } from '../../core/ports/feed.ts'
import type { State } from './state.ts'

/** How many commits are looked at for one page. */
const LOOKS = 4096

/** The feed of one life of the store; no other ever reads its places. Commit n is at n - 1. */
export function createFeed() {
  const life = Buffer.from(crypto.getRandomValues(new Uint8Array(5))).toString('hex')

  return {
    page(
      { commits, events }: State,
      after: FeedPlace | undefined,
      only: readonly ConversationId[] | undefined,
      atMost: number,
    ): FeedPage {
      const wanted = only && new Set(only)
      const from = after ?? { commit: 1, events: 0 }
      const batches: FeedBatch[] = []
      let bytes = 0
      let commit = from.commit
      for (; commit <= commits.length && commit < from.commit + LOOKS; commit++) {
        if (batches.length > 0 && bytes >= atMost) break
        const appended = commits[commit - 1]
        // gone with its conversation
        const lines = appended && events.get(appended.conversation)
        if (!lines || wanted?.has(appended.conversation) === false) continue
        const { conversation, first, count } = appended
        const skipped = commit === from.commit ? from.events : 0
        if (skipped >= count) continue
        const part = Buffer.concat(lines.slice(first - 1 + skipped, first - 1 + count))
        const at = { life, commit, events: skipped }
        batches.push({ conversation, first: first + skipped, count: count - skipped, lines: part, at })
        bytes += part.length
      }
      return { batches, next: { life, commit, events: 0 }, isLevel: commit > commits.length }
    },

    head: ({ commits }: State): FeedPlace => ({ life, commit: commits.length + 1, events: 0 }),

    knows: ({ commits }: State, place: FeedPlace): boolean =>
      place.life === life && (place.events === 0 ? place.commit - 1 : place.commit) <= commits.length,
  }
}
