import { AppError } from '@claude-proxy/protocol/errors'
import type { Clock } from './ports/outside.ts'
import type { RunOptions } from './ports/run.ts'
import type { Store } from './ports/store.ts'

export interface BudgetDeps {
  readonly store: Pick<Store, 'usage'>
  readonly clock: Clock
  /** What one run may cost, and what all may that end on one day (UTC), in US dollars; undefined for any amount. */
  readonly runUsd: number | undefined
  readonly dayUsd: number | undefined
  /** How many turns a run may take; undefined for any number. */
  readonly runTurns: number | undefined
}

export type Budget = ReturnType<typeof createBudget>

const DAY_MS = 86_400_000

/** What runs may cost. The sums are the agents' own estimates. */
export function createBudget({ store, clock, runUsd, dayUsd, runTurns }: BudgetDeps) {
  return {
    /** Refuses what would begin when the day's budget is spent. */
    async check(): Promise<void> {
      const waitMs = await msUntilFree()
      if (dayUsd === undefined || waitMs === 0) return
      throw new AppError(
        'budget_exhausted',
        `Today's budget of ${dayUsd} US dollars is spent. Runs begin again after midnight, UTC.`,
        { limit_usd: dayUsd, retry_after_ms: waitMs },
      )
    },

    /** How long nothing may begin; 0: it may now. */
    msUntilFree,

    /**
     * Why nothing may go on, when the day's budget is spent. `underWay`: what runs have cost that have not begun to end; it is
     * asked after those that have, so that none counts twice.
     */
    async overrun(underWay: () => number): Promise<string | undefined> {
      if (dayUsd === undefined || (await spentToday(clock.now())) + underWay() < dayUsd) return undefined
      return `Today's budget of ${dayUsd} US dollars is spent.`
    },

    /**
     * The options with what the run may come to: the least of what was asked, what a run may, and what is left of the day.
     */
    async limit(options: RunOptions): Promise<RunOptions> {
      // What is left may be nothing for who was accepted before the last of it was spent; the agent takes no zero.
      const left = dayUsd === undefined ? Infinity : Math.max(SMALLEST_USD, dayUsd - (await spentToday(clock.now())))
      const maxBudgetUsd = Math.min(options.maxBudgetUsd ?? Infinity, runUsd ?? Infinity, left)
      // Nothing asked and 0 are any number, as with the agent.
      const maxTurns = Math.min(options.maxTurns || Infinity, runTurns ?? Infinity)
      return {
        ...options,
        ...(Number.isFinite(maxBudgetUsd) && { maxBudgetUsd }),
        ...(Number.isFinite(maxTurns) && { maxTurns }),
      }
    },
  }

  async function msUntilFree(): Promise<number> {
    if (dayUsd === undefined) return 0
    const now = clock.now()
    return (await spentToday(now)) < dayUsd ? 0 : DAY_MS - (now % DAY_MS)
  }

  async function spentToday(now: number): Promise<number> {
    const from = now - (now % DAY_MS)
    const [sum] = await store.usage({ by: 'period', periods: [{ from, to: from + DAY_MS }], limit: 1 })
    return sum?.costUsd ?? 0
  }
}

const SMALLEST_USD = 0.000_001
