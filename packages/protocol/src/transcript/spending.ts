type Fields = Readonly<Record<string, unknown>>

/**
 * What a run took and cost itself: the agent's `duration_ms` is of its last turn, its `total_cost_usd` of its whole
 * session (PROTOCOL.md 4.5). The client's view says the same by code of its own, as it takes none from here; a test
 * holds one to the other.
 */
export interface Spent {
  /** From what began the run, waiting for a person included; undefined where that was not read. */
  readonly durationMs: number | undefined
  /** By the agent's own estimate; undefined where it is not known of all of the run. */
  readonly costUsd: number | undefined
}

/** Reads events in their order. What is a prompt, its caller knows. */
export function createSpending() {
  let last = 0
  let run: OpenRun | undefined

  return {
    take(seq: number, event: Fields): void {
      // What was not read may have ended this run and begun another, and have cost more.
      if (seq !== last + 1) run = undefined
      last = seq
      const kind = event['type'] === 'system' ? event['subtype'] : event['type']
      if (kind === 'run_continued' || kind === 'run_begun_by_agent') run = begun(event)
      // A history has no results.
      if (kind === 'session_adopted' || kind === 'forked') run = undefined
      if (kind === 'turn_result' || kind === 'result') run &&= afterTurn(run, event)
    },

    /** With a prompt that was taken: it begins a run. */
    begin(prompt: Fields): void {
      run = begun(prompt)
    },

    /** With a `result` that was taken: it ends the run. */
    end(result: Fields): Spent {
      const { at = Number.NaN, costUsd } = run ?? {}
      run = undefined
      const ms = instant(result) - at
      return { durationMs: Number.isNaN(ms) ? undefined : Math.max(0, ms), costUsd }
    },
  }
}

interface OpenRun {
  /** When it began, in milliseconds. */
  readonly at: number
  readonly costUsd: number | undefined
  /** The agent's id of the result that was counted last. */
  readonly counted: unknown
}

function begun(event: Fields): OpenRun {
  return { at: instant(event), costUsd: 0, counted: undefined }
}

function afterTurn(run: OpenRun, result: Fields): OpenRun {
  const { uuid } = result
  // The last turn's result is told again when the run ends without another turn.
  if (uuid !== undefined && uuid === run.counted) return run
  const cost = costOf(result)
  const costUsd = run.costUsd === undefined || cost === undefined ? undefined : run.costUsd + cost
  return { ...run, costUsd, counted: uuid }
}

/** The sum over the models of what is new since the result before. */
function costOf({ model_usage_since_last_result: usage }: Fields): number | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined
  const costs = Object.values(usage).map((use?: { costUSD?: unknown } | null) => use?.costUSD)
  const sum = costs.reduce((all: number, cost) => all + (typeof cost === 'number' ? cost : Number.NaN), 0)
  return Number.isFinite(sum) ? sum : undefined
}

/** NaN where it does not say. */
function instant({ timestamp }: Fields): number {
  return typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
}
