import { type Answer, ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import type { AuditEntry } from '../../core/ports/access.ts'
import { readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { timestamp } from '../../core/timestamp.ts'

/** The door for who wants to know what was done. */
export function auditRoutes({ store }: Pick<RoutesDeps, 'store'>): Routes<'audit'> {
  return {
    async audit({ request }) {
      const { since, after, limit = 200 } = await readQuery(request.url, ENDPOINTS.audit.query)
      const from = since === undefined ? undefined : Date.parse(since)
      // One more tells whether there is a next page.
      const found = await store.audit({ since: from, after, limit: limit + 1 })
      const entries = found.slice(0, limit)
      const last = found.length > limit ? entries.at(-1) : undefined
      return {
        entries: entries.map((entry) => entryBody(entry)),
        next_after: last?.number ?? null,
      }
    },
  }
}

function entryBody(entry: AuditEntry): Answer<'Audit'>['entries'][number] {
  return {
    number: entry.number,
    at: timestamp(entry.at),
    who: entry.who,
    user_agent: entry.agent ?? null,
    from: entry.from ?? null,
    action: entry.action,
    conversation_id: entry.conversation ?? null,
    run_id: entry.run ?? null,
    subject: entry.subject ?? null,
    cwd: entry.folder ?? null,
    detail: entry.detail ?? null,
  }
}
