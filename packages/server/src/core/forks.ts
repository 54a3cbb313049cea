import { AppError } from '@claude-proxy/protocol/errors'
import { forkedEvent } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { conversationUnknown } from './conversations.ts'
import { type FolderRules, findFolder } from './folders.ts'
import { publishFilled } from './history.ts'
import type { Conversation } from './ports/conversation.ts'
import type { Clock } from './ports/outside.ts'
import type { Sessions } from './ports/sessions.ts'
import type { Store } from './ports/store.ts'
import { findSaid, type Said } from './said.ts'
import { timestamp } from './timestamp.ts'

export interface ForksDeps {
  readonly store: Store
  readonly clock: Clock
  readonly rules: FolderRules
  readonly sessions: Sessions
  readonly newConversationId: () => ConversationId
}

export type Forks = ReturnType<typeof createForks>

/** How far around the place that was asked for is looked for one that is possible. */
const AROUND = 1000
/** What is left of the title of a fork of a fork of a fork. */
const LONGEST_TITLE = 180

/** Conversations that have the beginning of another, and go on by themselves. */
export function createForks({ store, clock, rules, sessions, newConversationId }: ForksDeps) {
  return {
    /** A conversation with the events of another up to `from`, all if nothing is said, and with the agent's memory of them. */
    async fork(
      id: ConversationId,
      asked: { from: number | undefined; title: string | undefined },
    ): Promise<Conversation> {
      const source = await store.conversation(id)
      if (!source) throw conversationUnknown(id)
      await findFolder(source.folder, rules)
      const from = asked.from ?? source.head
      if (from > source.head) throw new AppError('bad_request', `from is beyond the last event, ${source.head}.`)
      const title = asked.title ?? (source.title && `${source.title.slice(0, LONGEST_TITLE)} (fork)`.toWellFormed())
      const session = await forkSession(source, from, title)
      return publishFilled(store, clock, async (staged, at) => {
        for (let head = 0; head < from;) {
          const copied = await store.copyToStaged(staged, id, from)
          if (copied === undefined) throw conversationUnknown(id)
          head = copied
        }
        const line = toLine(forkedEvent({ conversation: id, event: from, session }, timestamp(at)))
        const { folder, cwd } = source
        const place = {
          id: newConversationId(),
          folder,
          cwd,
          title,
          sessionId: session,
          ownsSession: false,
          attachmentsOf: id,
        }
        return store.publishStaged({ staged, ...place, line, at })
      })
    },
  }

  /** The agent's own copy of what was said up to there; undefined when nothing was. */
  async function forkSession(source: Conversation, from: number, title = 'Fork'): Promise<string | undefined> {
    const { folder, sessionId } = source
    const begin = Math.max(0, from - AROUND)
    const said = await findSaid(store, source.id, begin, Math.min(source.head, from + AROUND))
    const last = said.findLast(({ number }) => number <= from)
    if (sessionId === undefined || (last === undefined && begin === 0)) return undefined
    const others = said.flatMap(({ uuid }) => uuid ?? [])
    const request = { folder, session: sessionId, title, others }
    // Words without a name are not found there, and so are not where it can be cut.
    let forked = await sessions.fork({ ...request, at: last?.uuid ?? '' })
    // At rest it may end as it does, with a call that was cut off or with words that have no name.
    if (forked.status === 'uncut' && from === source.head && (await store.openRun(folder))?.conversation !== source.id)
      forked = await sessions.fork({ ...request, at: undefined })
    if (forked.status === 'forked') return forked.session
    if (forked.status === 'uncut') throw notAForkPoint(from, said, new Set(forked.possible))
    throw new AppError('session_unknown', 'The agent no longer has this conversation; a fork would not remember it.', {
      session_id: sessionId,
    })
  }
}

function notAForkPoint(from: number, said: readonly Said[], possible: ReadonlySet<string>): AppError {
  const numbers = said.flatMap(({ number, uuid }) => (uuid !== undefined && possible.has(uuid) ? number : []))
  const before = numbers.findLast((number) => number <= from) ?? null
  const after = numbers.find((number) => number > from) ?? null
  const near = [before, after].filter((number) => number !== null).join(' or ')
  const hint = near === '' ? '' : ` Take event ${near}.`
  return new AppError('not_a_fork_point', `The agent's memory cannot be cut after event ${from}.${hint}`, {
    before,
    after,
  })
}
