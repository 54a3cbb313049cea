import { AppError } from '@claude-proxy/protocol/errors'
import type { Conversation } from './ports/conversation.ts'
import type { DraftId, Published } from './ports/draft.ts'
import type { Clock } from './ports/outside.ts'
import type { Store } from './ports/store.ts'

/** Makes a conversation of a draft that `fill` fills and publishes. If that fails, nothing is left of it. */
export async function publishFilled(
  store: Store,
  clock: Clock,
  fill: (draft: DraftId, at: number) => Promise<Published>,
): Promise<Conversation> {
  const at = clock.now()
  const draft = await store.beginDraft(at)
  try {
    const published = await fill(draft, at)
    if (published.status === 'published') return published.conversation
    throw new AppError('conversation_exists', 'The id is taken, or was.')
  } catch (error) {
    // What cannot be dropped now is dropped by the next start.
    await store.dropDraft(draft).catch(() => {})
    throw error
  }
}
