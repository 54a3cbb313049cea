import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import type { RunId } from '@claude-proxy/protocol/ids'
import type { ListedSession } from '../../core/sessions.ts'
import type { SessionMark } from '../../core/ports/sessions.ts'
import { summary } from '../conversation-body.ts'
import { parse, readBody, readOptionalBody, readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { timestamp } from '../../core/timestamp.ts'

type Deps = Pick<RoutesDeps, 'store' | 'sessions' | 'forks' | 'rewinds' | 'maxBodyBytes'>

/** The doors to the agent's own sessions, and to what can be done with their past. */
export function sessionRoutes({
  store,
  sessions,
  forks,
  rewinds,
  maxBodyBytes,
}: Deps): Routes<'sessions' | 'fork' | 'rewind'> {
  return {
    async sessions({ request }) {
      const { cwd, limit = 50, cursor } = await readQuery(request.url, ENDPOINTS.sessions.query)
      const page = { after: cursor === undefined ? undefined : readCursor(cursor), limit }
      const { sessions: found, next } = await sessions.list(cwd, page)
      return { sessions: found.map(sessionBody), next_cursor: next ? writeCursor(next) : null }
    },

    async fork({ request, params, record }) {
      const { id } = await parse(ENDPOINTS.fork.params, params)
      const { from, title } = await readOptionalBody(request, ENDPOINTS.fork.body, maxBodyBytes)
      const forked = await forks.fork(id, { from, title })
      await record({ conversation: forked.id, folder: forked.folder, detail: `of ${id}` })
      return summary(store, forked)
    },

    async rewind({ request, params, record }) {
      const { id } = await parse(ENDPOINTS.rewind.params, params)
      const body = await readBody(request, ENDPOINTS.rewind.body, maxBodyBytes)
      const { to: number, run_id: run, dry_run: isDryRun = false } = body
      const { to, changes } = await rewinds.rewind(id, { number, run: run as RunId | undefined }, isDryRun)
      const { folder } = (await store.conversation(id)) ?? {}
      if (!isDryRun) await record({ conversation: id, folder, detail: `to ${to}` })
      return { conversation_id: id, to, dry_run: isDryRun, ...changes }
    },
  }
}

function sessionBody(session: ListedSession) {
  return {
    session_id: session.id,
    conversation_id: session.conversation ?? null,
    title: session.title ?? null,
    first_prompt: session.firstPrompt ?? null,
    git_branch: session.gitBranch ?? null,
    created_at: session.beganAt === undefined ? null : timestamp(session.beganAt),
    active_at: timestamp(session.usedAt),
    bytes: session.bytes,
    in_use: session.isInUse,
  }
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
