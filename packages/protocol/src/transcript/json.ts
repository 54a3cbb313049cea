import { toLine } from '../json.ts'
import type { Renderer } from './renderer.ts'
import type { Short } from './text.ts'
import type { Entry } from './turns.ts'

/** The transcript as one JSON object: `turns`, each with its entries. Names as everywhere on the wire. */
export function createJson(): Renderer {
  let turn = 0

  return {
    head({ conversationId, title, folder, createdAt }) {
      const about = { conversation_id: conversationId, title: title ?? null, cwd: folder, created_at: createdAt }
      return `${toLine(about).slice(0, -1)},"turns":[`
    },

    entry(entry) {
      const text = toLine(bodyOf(entry))
      if (entry.turn === turn) return `,\n${text}`
      const before = turn === 0 ? '' : ']},'
      turn = entry.turn
      return `${before}\n{"turn":${turn},"entries":[\n${text}`
    },

    foot: (last) => `${turn === 0 ? '' : ']}'}],"last":${last}}\n`,
  }
}

function bodyOf({ seq, at, depth, what }: Entry): object {
  const place = { kind: what.kind, seq, timestamp: at ?? null, depth }
  switch (what.kind) {
    case 'prompt':
      return { ...place, ...textBody(what.text), ...(what.steers && { steer: true }) }
    case 'answer':
    case 'thinking':
    case 'note':
      return { ...place, ...textBody(what.text) }
    case 'call':
      return { ...place, tool_use_id: what.id, tool_name: what.tool, summary: what.summary, ...textBody(what.text) }
    case 'outcome':
      return {
        ...place,
        tool_use_id: what.id,
        tool_name: what.tool ?? null,
        is_error: what.isError,
        ...textBody(what.text),
      }
    case 'asked':
      return { ...place, tool_name: what.tool, summary: what.summary }
    case 'settled':
      return {
        ...place,
        tool_name: what.tool ?? null,
        how: what.how,
        behavior: what.behavior,
        by: what.by,
        ...(what.message && { message: textBody(what.message).text }),
      }
    default:
      return {
        ...place,
        subtype: what.subtype,
        is_error: what.isError,
        ...(what.text ? textBody(what.text) : { text: null }),
        duration_ms: what.durationMs ?? null,
        cost_usd: what.costUsd ?? null,
        total_cost_usd: what.sessionCostUsd ?? null,
        num_turns: what.agentTurns ?? null,
      }
  }
}

/** What was cut out of the middle lies before `tail`. */
function textBody({ text, tail, leftOut }: Short): { text: string; tail?: string; left_out?: number } {
  return leftOut === 0 ? { text } : { text, tail, left_out: leftOut }
}
