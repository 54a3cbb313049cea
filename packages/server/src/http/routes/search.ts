import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import { folderOrSpelling } from '../../core/folders.ts'
import { parseQuery } from '../../core/search/query.ts'
import type { Hit, Search } from '../../core/search/search.ts'
import { readHitCursor, writeHitCursor } from '../cursors.ts'
import { readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'

type Deps = Pick<RoutesDeps, 'search' | 'conversations'>

/** The door for who looks for something. */
export function searchRoutes({ search, conversations }: Deps): Routes<'search'> {
  return {
    async search({ request }) {
      const asked = await readQuery(request.url, ENDPOINTS.search.query)
      const { cwd, tag, archived: isArchived, conversation_id: id, limit = 20, cursor } = asked
      const query = parseQuery(asked.q)
      const after = cursor === undefined ? undefined : readHitCursor(cursor)
      const folder = cwd === undefined ? undefined : await folderOrSpelling(cwd)
      const among = id && [(await conversations.own(id)).id]
      const { hits, next, isLevel } = await offered(search).hits(
        query,
        { folder, tag, isArchived, among },
        after,
        limit,
      )
      return {
        hits: hits.map((hit) => hitBody(hit)),
        next_cursor: next ? writeHitCursor(next) : null,
        up_to_date: isLevel,
      }
    },
  }
}

/** The search, where there is one. */
export function offered(search: Search | undefined): Search {
  if (search) return search
  throw new AppError('not_found', 'This service keeps no index to search in: it was started with --search no.')
}

function hitBody({ conversation, number, kind, timestamp, snippet }: Hit) {
  return {
    conversation_id: conversation.id,
    cwd: conversation.folder,
    title: conversation.title ?? null,
    event_id: number,
    kind,
    timestamp: timestamp ?? null,
    snippet,
  }
}
