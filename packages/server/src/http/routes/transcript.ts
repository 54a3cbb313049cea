import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import type { RunId } from '@claude-proxy/protocol/ids'
import { storedPages } from '../../core/log/pages.ts'
import { diffOfRun } from '../../core/runs/diff.ts'
import { transcriptOf } from '../../core/transcript.ts'
import { sendDocument } from '../document.ts'
import { rendererFor } from '../renderers.ts'
import { LAST_EVENT_ID } from '../headers.ts'
import { parse, readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'

type Deps = Pick<RoutesDeps, 'store' | 'conversations'>

const TYPES = {
  md: 'text/markdown; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
}

/** The doors that tell what happened, in a form for people. They read what is stored and start nothing. */
export function transcriptRoutes({ store, conversations }: Deps): Routes<'transcript' | 'runDiff'> {
  return {
    async transcript({ request, response, params, signal }) {
      const { id } = await parse(ENDPOINTS.transcript.params, params)
      const query = await readQuery(request.url, ENDPOINTS.transcript.query)
      const { format, since: after = 0, until = Infinity, thinking: withThinking = false } = query
      const conversation = await conversations.own(id)
      const { renderer, policy } = await rendererFor(format)
      response.setHeader(LAST_EVENT_ID, String(conversation.head))
      response.setHeader('content-type', TYPES[format])
      response.setHeader('content-disposition', `inline; filename="${id}.${format}"`)
      // Also on the way to the other forms: a browser may be told to show them.
      response.setHeader('content-security-policy', `${policy}; frame-ancestors 'none'; sandbox`)
      const pages = storedPages(store, id, after, Math.min(until, conversation.head))
      await sendDocument(response, transcriptOf(conversation, pages, { renderer, withThinking, after }), signal())
      return undefined
    },

    async runDiff({ params, signal }) {
      const { id, run_id: run } = await parse(ENDPOINTS.runDiff.params, params)
      const { files, unknown, isCut } = await diffOfRun(store, id, run as RunId, signal())
      return {
        conversation_id: id,
        run_id: run,
        files: files.map(({ path, isNew, additions, deletions, edits }) => ({
          path,
          status: isNew ? 'added' : 'modified',
          additions,
          deletions,
          edits: edits.map(({ seq, tool, patch }) => ({ seq, tool_name: tool, patch })),
        })),
        unknown: unknown.map(({ tool, calls }) => ({ tool_name: tool, calls })),
        truncated: isCut,
      }
    },
  }
}
