import { AppError } from '@claude-proxy/protocol/errors'
import { adoptedEvent } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { type FolderRules, findFolder } from './folders.ts'
import { publishFilled } from './history.ts'
import type { Conversation } from './ports/conversation.ts'
import type { Clock } from './ports/outside.ts'
import type { AgentSession, SessionMark, Sessions } from './ports/sessions.ts'
import type { Store } from './ports/store.ts'
import { titleOf } from './titles.ts'
import { timestamp } from './timestamp.ts'

export interface SessionsDeps {
  readonly store: Store
  readonly clock: Clock
  readonly rules: FolderRules
  readonly sessions: Sessions
  readonly newConversationId: () => ConversationId
}

export interface ListedSession extends AgentSession {
  /** The conversation that it is here. */
  readonly conversation: ConversationId | undefined
}

export interface Adoption {
  readonly session: string
  readonly id: ConversationId | undefined
  readonly cwd: string
  readonly title: string | undefined
  readonly tags: readonly string[] | undefined
}

export type SessionList = ReturnType<typeof createSessionList>

/** The agent's own sessions, and how one becomes a conversation. */
export function createSessionList({ store, clock, rules, sessions, newConversationId }: SessionsDeps) {
  return {
    /** The sessions of a folder, the one that was used last first. */
    async list(cwd: string, page: { after: SessionMark | undefined; limit: number }) {
      const folder = await findFolder(cwd, rules)
      const found = await sessions.list(folder, page)
      const listed: ListedSession[] = await Promise.all(
        found.sessions.map(async (each) => ({
          ...each,
          conversation: (await store.conversationOfSession(each.id))?.id,
        })),
      )
      return { sessions: listed, next: found.next }
    },

    /** Makes a conversation of a session: with its history, and with itself to go on in. */
    async adopt({ session, id = newConversationId(), cwd, title, tags }: Adoption): Promise<Conversation> {
      const folder = await findFolder(cwd, rules)
      const found = await sessions.find(folder, session)
      if (!found) throw new AppError('session_unknown', `${folder} has no session ${session}.`, { session_id: session })
      const owner = await store.conversationOfSession(session)
      if (owner) throw owned(session, owner.id)
      refuseInUse(found)
      return publishFilled(store, clock, async (staged, at) => {
        let events = 0
        for await (const lines of sessions.read(folder, session)) {
          await store.addToStaged(staged, lines, at)
          events += lines.length
        }
        // Somebody may have come while we read.
        const now = await sessions.find(folder, session)
        if (now) refuseInUse(now)
        const line = toLine(adoptedEvent(session, events, timestamp(at)))
        const named = title ?? titleOf(found.title ?? found.firstPrompt ?? '')
        const place = { id, folder, cwd, title: named, tags, sessionId: session, ownsSession: true }
        const published = await store.publishStaged({ staged, ...place, line, at })
        if (published.status === 'owned') throw owned(session, published.by)
        return published
      })
    },
  }
}

function refuseInUse({ id, isInUse }: AgentSession): void {
  if (!isInUse) return
  throw new AppError(
    'session_in_use',
    'Another process has this session open, such as a terminal. End it there first.',
    {
      session_id: id,
    },
  )
}

function owned(session: string, conversation: ConversationId): AppError {
  return new AppError('conversation_exists', `The session ${session} is conversation ${conversation} already.`, {
    conversation_id: conversation,
    session_id: session,
  })
}
