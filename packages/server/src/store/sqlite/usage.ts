import type { RunEnding } from '../../core/ports/account.ts'
import { QUARTER_MS, type UsageGroup, type UsageQuery, type UsageSum } from '../../core/ports/usage.ts'
import { isBelow } from './below.ts'
import type { Database } from './open.ts'

/** What runs have come to, added up. Each question is one walk along the quarters of an hour that it is about. */
export function readUsage(db: Database) {
  const by: Record<UsageGroup, ReturnType<typeof question>> = {
    period: question('period.key', 'key'),
    folder: question('used.folder'),
    model: question('model'),
    conversation: question('conversation.id'),
  }

  function question(key: string, order = 'cost_usd DESC, input_tokens + output_tokens DESC, key') {
    return db.prepare<UsageRow>(`
      SELECT ${key} AS key, coalesce(sum(runs) FILTER (WHERE (model = '') <> (?3 = 'model')), 0) AS runs,
        sum(succeeded) AS succeeded, sum(interrupted) AS interrupted, sum(duration_ms) AS duration_ms,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        sum(cache_read_tokens) AS cache_read_tokens, sum(cache_creation_tokens) AS cache_creation_tokens,
        sum(cost_usd) AS cost_usd
      FROM json_each(?1) AS period
      CROSS JOIN used ON slot >= period.value ->> 0 AND slot < period.value ->> 1
      LEFT JOIN conversation ON conversation.c = used.c AND deleted = 0
      WHERE (?2 IS NULL OR used.folder = ?2) AND (?3 <> 'model' OR model <> '')
        AND (?5 IS NULL OR ${isBelow('used.folder', '?5')})
      GROUP BY 1 ORDER BY ${order} LIMIT ?4`)
  }

  return {
    usage({ by: group, periods, folder, within, limit }: UsageQuery): UsageSum[] {
      const slots = periods.map(({ from, to }) => [Math.ceil(from / QUARTER_MS), Math.ceil(to / QUARTER_MS)])
      const roots = within ? JSON.stringify(within) : null
      return by[group].all(JSON.stringify(slots), folder ?? null, group, limit, roots).map((row) => toSum(row))
    },
  }
}

export type UsageWrites = ReturnType<typeof writeUsage>

export function writeUsage(db: Database) {
  const addRun = db.prepare(`
    INSERT INTO used (slot, c, folder, model, runs, succeeded, interrupted, duration_ms) VALUES (?, ?, ?, '', 1, ?, ?, ?)
    ON CONFLICT DO UPDATE SET runs = runs + 1, succeeded = succeeded + excluded.succeeded,
      interrupted = interrupted + excluded.interrupted, duration_ms = duration_ms + excluded.duration_ms`)
  const addTokens = db.prepare(`
    INSERT INTO used (slot, c, folder, model, runs, input_tokens, output_tokens, cache_read_tokens,
      cache_creation_tokens, cost_usd) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET runs = runs + 1, ${ADD_TOKENS}`)
  return {
    /** Adds what a run came to. */
    add({ c, folder, begunAt }: UsedRun, { outcome, usage }: RunEnding, at: number): void {
      const slot = Math.floor(at / QUARTER_MS)
      const duration = Math.max(0, at - begunAt)
      addRun.run(slot, c, folder, Number(outcome === 'success'), Number(outcome === 'interrupted'), duration)
      for (const each of usage) {
        const { model, inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens, costUsd = null } = each
        addTokens.run(slot, c, folder, model, inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens, costUsd)
      }
    },
  }
}

/** Takes the name off what deleted conversations used, some rows a call: the sums by day, folder and model stay. */
export function disowning(db: Database, rows: number) {
  const some = `SELECT slot, model FROM used WHERE c = ?1 ORDER BY slot, model LIMIT ${rows}`
  const move = db.prepare(`
    INSERT INTO used
    SELECT slot, 0, folder, model, runs, succeeded, interrupted, duration_ms, input_tokens, output_tokens,
      cache_read_tokens, cache_creation_tokens, cost_usd
    FROM used WHERE c = ?1 AND (slot, model) IN (${some})
    ON CONFLICT DO UPDATE SET runs = runs + excluded.runs, succeeded = succeeded + excluded.succeeded,
      interrupted = interrupted + excluded.interrupted, duration_ms = duration_ms + excluded.duration_ms, ${ADD_TOKENS}`)
  const drop = db.prepare(`DELETE FROM used WHERE c = ?1 AND (slot, model) IN (${some})`)
  return {
    run(c: number): { changes: number | bigint } {
      move.run(c)
      return drop.run(c)
    },
  }
}

/** A cost that nobody knows adds nothing to one that is known. */
const ADD_TOKENS = `input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
  cache_creation_tokens = cache_creation_tokens + excluded.cache_creation_tokens,
  cost_usd = coalesce(cost_usd + excluded.cost_usd, cost_usd, excluded.cost_usd)`

export interface UsedRun {
  readonly c: number
  readonly folder: string
  readonly begunAt: number
}

interface UsageRow {
  readonly key: number | string | null
  readonly runs: number
  readonly succeeded: number
  readonly interrupted: number
  readonly duration_ms: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_creation_tokens: number
  readonly cost_usd: number | null
}

function toSum(row: UsageRow): UsageSum {
  return {
    key: row.key ?? undefined,
    runs: row.runs,
    succeeded: row.succeeded,
    interrupted: row.interrupted,
    durationMs: row.duration_ms,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheCreationTokens: row.cache_creation_tokens,
    costUsd: row.cost_usd ?? undefined,
  }
}
