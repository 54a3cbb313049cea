import type { AgentEvent } from '../events.ts'

/** The run that is open, where its beginning is known. */
export interface OpenRun {
  /** The number of the event that began it. */
  readonly begun: number
  /** When that was: ISO 8601 */
  readonly at: string | undefined
  /** What its turns have cost so far; undefined when one of them did not say. */
  readonly costUsd: number | undefined
  /** The agent's id of the result that was counted last. */
  readonly counted: unknown
}

/** With what the agent says at the end of a turn. */
export function afterTurn(run: OpenRun, result: AgentEvent): OpenRun {
  const { uuid } = result
  // The last turn's result is told again when the run ends without another turn.
  if (uuid !== undefined && uuid === run.counted) return run
  const cost = costOf(result)
  const costUsd = run.costUsd === undefined || cost === undefined ? undefined : run.costUsd + cost
  return { ...run, costUsd, counted: uuid }
}

/** The agent's own total goes on over runs and processes; this is what is new. */
function costOf({ model_usage_since_last_result: usage }: AgentEvent): number | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined
  const costs = Object.values(usage).map((use?: { costUSD?: unknown } | null) => use?.costUSD)
  const sum = costs.reduce((all: number, cost) => all + (typeof cost === 'number' ? cost : Number.NaN), 0)
  return Number.isFinite(sum) ? sum : undefined
}
