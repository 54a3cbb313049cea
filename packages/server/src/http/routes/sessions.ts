import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import type { ListedSession } from '../../core/sessions.ts'
import type { SessionMark } from '../../core/ports/sessions.ts'
import { summary } from '../conversation-body.ts'
import { parse, readOptionalBody, readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'

type Deps = Pick<RoutesDeps, 'store' | 'sessions' | 'forks' | 'maxBodyBytes'>

/** The doors to the agent's own sessions, and to what can be done with their past. */
export function sessionRoutes({ store, sessions, forks, maxBodyBytes }: Deps): Routes<'sessions' | 'fork'> {
  return {
    async sessions({ request }) {
      const { cwd, limit = 50, cursor } = await readQuery(request.url ?? '', ENDPOINTS.sessions.query)
      const page = { after: cursor === undefined ? undefined : readCursor(cursor), limit }
      const { sessions: found, next } = await sessions.list(cwd, page)
      return { sessions: found.map(body), next_cursor: next ? writeCursor(next) : null }
    },

    async fork({ request, params }) {
      const { id } = await parse(ENDPOINTS.fork.params, params)
      const { from, title } = await readOptionalBody(request, ENDPOINTS.fork.body, maxBodyBytes)
      return summary(store, await forks.fork(id, { from, title }))
    },
  }
}

function body(session: ListedSession) {
  return {
    session_id: session.id,
    conversation_id: session.conversation ?? null,
    title: session.title ?? null,
    first_prompt: session.firstPrompt ?? null,
    git_branch: session.gitBranch ?? null,
    created_at: session.beganAt === undefined ? null : time(session.beganAt),
    active_at: time(session.usedAt),
    bytes: session.bytes,
    in_use: session.isInUse,
  }
}

function time(at: number): string {
  return new Date(at).toISOString()
}

/** Where a page ends: opaque to clients. */
function writeCursor({ usedAt, id }: SessionMark): string {
  return Buffer.from(`${usedAt} ${id}`).toString('base64url')
}

function readCursor(cursor: string): SessionMark {
  const [, at, id] = /^(\d{1,15}) ([0-9a-f-]{36})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at !== undefined && id !== undefined) return { usedAt: Number(at), id }
  throw new AppError('bad_request', 'cursor is none that this service gave.')
}
