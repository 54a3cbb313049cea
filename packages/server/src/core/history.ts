import { AppError } from '@claude-proxy/protocol/errors'
import type { Conversation } from './ports/conversation.ts'
import type { StagedId, Published } from './ports/staging.ts'
import type { Clock } from './ports/outside.ts'
import type { Store } from './ports/store.ts'

/** Makes a conversation with a history, which `fill` stages and publishes. If that fails, nothing is left of it. */
export async function publishFilled(
  store: Store,
  clock: Clock,
  fill: (staged: StagedId, at: number) => Promise<Published>,
): Promise<Conversation> {
  const at = clock.now()
  const staged = await store.beginStaged(at)
  try {
    const published = await fill(staged, at)
    if (published.status === 'published') return published.conversation
    throw new AppError('conversation_exists', 'The id is taken, or was.')
  } catch (error) {
    // What cannot be dropped now is dropped by the next start.
    await store.dropStaged(staged).catch(() => {})
    throw error
  }
}
