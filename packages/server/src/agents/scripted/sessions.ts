import { randomUUID } from 'node:crypto'
import { AppError } from '@claude-proxy/protocol/errors'
import { type EventPayload, promptEvent } from '@claude-proxy/protocol/events'
import { type Folder, promptUuid } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import type { Job } from '../../core/ports/agent.ts'
import type { Clock } from '../../core/ports/outside.ts'
import type { AgentSession, SessionMark, Sessions } from '../../core/ports/sessions.ts'
import { possibleEnds, type SaidMessage } from '../ends.ts'
import { timestamp } from '../../core/timestamp.ts'

interface Session {
  readonly folder: Folder
  readonly title: string | undefined
  readonly beganAt: number
  usedAt: number
  said: EventPayload[]
}

/** It keeps its last sessions, and only short ones: load would fill the memory. */
const MOST_SESSIONS = 20
const MOST_MESSAGES = 200

/** What the scripted agent remembers of what it said, until the process ends. Nobody else can have a session open. */
export function createScriptedSessions(clock: Clock) {
  const sessions = new Map<string, Session>()

  const keep = (id: string, session: Session) => {
    sessions.set(id, session)
    for (const oldest of sessions.keys()) if (sessions.size > MOST_SESSIONS) sessions.delete(oldest)
  }

  /** It has said something there. */
  const add = (id: string, payload: EventPayload) => {
    const session = sessions.get(id)
    if (!session || payload['uuid'] === undefined) return
    session.said.push({ ...payload, session_id: id })
    session.usedAt = clock.now()
    if (session.said.length > MOST_MESSAGES) sessions.delete(id)
  }

  return {
    list(folder, { after, limit }) {
      const all = [...sessions]
        .filter(([, each]) => each.folder === folder)
        .map(([id, each]) => describe(id, each))
        .sort((a, b) => b.usedAt - a.usedAt || (a.id < b.id ? -1 : 1))
        .filter((each) => !after || each.usedAt < after.usedAt || (each.usedAt === after.usedAt && each.id > after.id))
      const page = all.slice(0, limit)
      const last: SessionMark | undefined = all.length > limit ? page.at(-1) : undefined
      return Promise.resolve({ sessions: page, next: last && { usedAt: last.usedAt, id: last.id } })
    },

    find(folder, id) {
      const found = sessions.get(id)
      return Promise.resolve(found?.folder === folder ? describe(id, found) : undefined)
    },

    async *read(folder, id) {
      const found = sessions.get(id)
      if (found?.folder !== folder) throw new AppError('session_unknown', `The folder has no session ${id}.`)
      yield found.said.map((payload) => toLine(payload))
    },

    fork({ folder, session, title, at, others }) {
      const found = sessions.get(session)
      if (found?.folder !== folder) return Promise.resolve({ status: 'unknown' })
      const ends = new Set(possibleEnds(found.said as (EventPayload & SaidMessage)[]))
      if (at !== undefined && !ends.has(at))
        return Promise.resolve({ status: 'uncut', possible: others.filter((each) => ends.has(each)) })
      const last = at === undefined ? found.said.length : found.said.findIndex(({ uuid }) => uuid === at) + 1
      const id: string = randomUUID()
      keep(id, { ...found, title, said: found.said.slice(0, last), usedAt: clock.now() })
      return Promise.resolve({ status: 'forked', session: id })
    },

    /** A run begins in the session. */
    begin(id: string, { folder, text, run }: Job): void {
      const at = clock.now()
      keep(id, sessions.get(id) ?? { folder, title: text.slice(0, 80), beganAt: at, usedAt: at, said: [] })
      add(id, promptEvent(text, timestamp(at), { uuid: promptUuid(run) }))
    },

    add,
  } satisfies Sessions & Record<'begin' | 'add', unknown>
}

function describe(id: string, { title, beganAt, usedAt, said }: Session): AgentSession {
  const bytes = said.reduce((size, payload) => size + toLine(payload).length, 0)
  return { id, title, firstPrompt: title, gitBranch: undefined, beganAt, usedAt, bytes, isInUse: false }
}
