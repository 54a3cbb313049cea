import type { Answer } from '@claude-proxy/protocol/endpoints'
import type { UsageSum } from '../core/ports/usage.ts'
import type { UsageReport } from '../core/usage.ts'

/** What was used, as clients and `claude-proxy usage --json` see it (PROTOCOL.md section 3.23). */
export function usageBody({ by, from, to, timeZone, entries, total, isCut }: UsageReport): Answer<'Usage'> {
  const name = { day: 'day', folder: 'cwd', model: 'model', conversation: 'conversation_id' }[by]
  return {
    by,
    from,
    to,
    tz: timeZone,
    entries: entries.map((entry) => ({ [name]: entry.key ?? null, ...sumBody(entry, by !== 'model') })),
    total: sumBody(total, true),
    truncated: isCut,
  }
}

/** `isWhole`: of whole runs. A run may use several models, so that how it ended is none's. */
function sumBody(sum: Omit<UsageSum, 'key'>, isWhole: boolean) {
  const { runs, succeeded, interrupted } = sum
  return {
    runs,
    outcomes: isWhole ? { succeeded, interrupted, failed: runs - succeeded - interrupted } : null,
    duration_ms: isWhole ? sum.durationMs : null,
    cost_usd: sum.costUsd ?? null,
    usage: {
      input_tokens: sum.inputTokens,
      output_tokens: sum.outputTokens,
      cache_read_input_tokens: sum.cacheReadTokens,
      cache_creation_input_tokens: sum.cacheCreationTokens,
    },
  }
}
