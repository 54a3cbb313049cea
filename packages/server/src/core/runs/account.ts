import type { ResultPayload } from '@claude-proxy/protocol/events'
import type { AgentFacts, ModelUse, RunEnding } from '../ports/account.ts'

/** What an agent has used and said in a run so far. */
export interface Tally {
  readonly usage: readonly ModelUse[]
  readonly facts: AgentFacts
}

export const NOTHING: Tally = { usage: [], facts: {} }

/** What is kept of a run that ends with `result`. */
export function endingOf(result: ResultPayload, { usage, facts }: Tally = NOTHING): RunEnding {
  const outcome = outcomeOf(result)
  const error = result.is_error ? result.result.slice(0, LONGEST_SENTENCE) : undefined
  return { outcome, error: outcome === INTERRUPTED ? undefined : error, usage: sumByModel(usage), facts }
}

/** What it has cost, as far as the agent has said. */
export function costOf({ usage }: Tally): number {
  return usage.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0)
}

/** What somebody did on purpose is no error. */
export const INTERRUPTED = 'interrupted'

/** An agent's last words can be very long. */
const LONGEST_SENTENCE = 2000

/** Claude Code calls a run a success, too, that its model's API has refused. */
function outcomeOf({ subtype, is_error: isError, terminal_reason: reason }: ResultPayload): string {
  if (!isError || subtype !== 'success') return subtype
  return typeof reason === 'string' && reason !== 'completed' ? reason : 'api_error'
}

/** One entry a model. The cost of what has none is not known, and adds nothing. */
export function sumByModel(uses: readonly ModelUse[]): ModelUse[] {
  const byModel = new Map<string, ModelUse>()
  for (const use of uses) {
    const sum = byModel.get(use.model)
    byModel.set(use.model, sum ? add(sum, use) : use)
  }
  return [...byModel.values()]
}

function add(a: ModelUse, b: ModelUse): ModelUse {
  return {
    model: a.model,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheCreationTokens: a.cacheCreationTokens + b.cacheCreationTokens,
    costUsd: a.costUsd === undefined ? b.costUsd : a.costUsd + (b.costUsd ?? 0),
  }
}

/** What is known after the agent has said more of itself. The window of another model is not known yet. */
export function withFacts(known: AgentFacts, said: AgentFacts): AgentFacts {
  const isOther = said.model !== undefined && said.model !== known.model
  const { contextWindow: _, ...rest } = known
  return { ...(isOther ? rest : known), ...said }
}
