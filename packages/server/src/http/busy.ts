import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Store } from '../core/ports/store.ts'
import { summary } from './conversation-body.ts'

/** What is shown at once; there may be more. */
const SHOWN = 100
const QUESTIONS = 1000

/** The conversations that do something or wait for a person, of some or of all, and how many these are. */
export async function busyConversations(store: Store, only: ReadonlySet<ConversationId> | undefined) {
  const [runs, questions] = await Promise.all([
    store.openRuns(),
    store.approvals({ isPending: true, limit: QUESTIONS }),
  ])
  const isMeant = (id: ConversationId) => only?.has(id) ?? true
  const waiting = new Set(questions.map(({ conversation }) => conversation).filter(isMeant))
  const running = new Set(runs.map(({ conversation }) => conversation).filter(isMeant)).difference(waiting)
  const busy = await Promise.all([...waiting, ...running].slice(0, SHOWN).map((id) => store.conversation(id)))
  return {
    running: running.size,
    waiting: waiting.size,
    conversations: await Promise.all(busy.flatMap((each) => (each ? [summary(store, each)] : []))),
  }
}
