import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Account, AgentFacts, ModelUse, RunEnding, RunError } from '../../core/ports/account.ts'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'

/** What the runs of a conversation have come to. All of it is in their rows. */
export function readAccounts(db: Database) {
  const find = db.prepare<{ c: number }>('SELECT c FROM conversation WHERE id = ? AND deleted = 0')
  const count = db.prepare<{ runs: number }>('SELECT count(*) AS runs FROM run WHERE c = ?')
  const usage = db.prepare<UsageRow>(`
    SELECT model, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
      sum(cache_read_tokens) AS cache_read_tokens, sum(cache_creation_tokens) AS cache_creation_tokens,
      sum(cost_usd) AS cost_usd
    FROM run_usage WHERE c = ? GROUP BY model ORDER BY model`)
  const newest = db.prepare<{ id: RunId }>("SELECT id FROM run WHERE c = ? AND state = 'ended' ORDER BY r DESC LIMIT 1")
  const facts = db.prepare<{ facts: string }>(
    'SELECT facts FROM run WHERE c = ? AND facts IS NOT NULL ORDER BY r DESC LIMIT 1',
  )
  // what was stopped says neither that it went wrong nor that all is well
  const judged = db.prepare<JudgedRow>(
    "SELECT id, outcome, error, ended_at FROM run WHERE c = ? AND outcome <> 'interrupted' ORDER BY r DESC LIMIT 1",
  )

  return {
    account(id: ConversationId): Account | undefined {
      const found = find.get(id)
      if (found === undefined) return undefined
      const { c } = found
      return {
        runs: certain(count.get(c), 'a count').runs,
        usage: usage.all(c).map((row) => toUse(row)),
        newest: newest.get(c)?.id,
        facts: JSON.parse(facts.get(c)?.facts ?? '{}') as AgentFacts,
      }
    },

    lastError(id: ConversationId): RunError | undefined {
      const found = find.get(id)
      return found && toError(judged.get(found.c))
    },
  }
}

export type AccountWrites = ReturnType<typeof writeAccounts>

export function writeAccounts(db: Database) {
  const end = db.prepare('UPDATE run SET outcome = ?, error = ?, facts = ? WHERE r = ?')
  const use = db.prepare('INSERT INTO run_usage VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  return {
    /** Keeps what a run came to. */
    note(c: number, r: number, { outcome, error, usage, facts }: RunEnding): void {
      const said = Object.keys(facts).length === 0 ? null : JSON.stringify(facts)
      end.run(outcome, error ?? null, said, r)
      for (const each of usage) {
        const { model, inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens, costUsd = null } = each
        use.run(c, r, model, inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens, costUsd)
      }
    },
  }
}

interface UsageRow {
  readonly model: string
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_creation_tokens: number
  readonly cost_usd: number | null
}

interface JudgedRow {
  readonly id: RunId
  readonly outcome: string
  readonly error: string | null
  readonly ended_at: number
}

function toUse(row: UsageRow): ModelUse {
  return {
    model: row.model,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheCreationTokens: row.cache_creation_tokens,
    costUsd: row.cost_usd ?? undefined,
  }
}

function toError(row: JudgedRow | undefined): RunError | undefined {
  if (row === undefined || row.error === null) return undefined
  return { run: row.id, code: row.outcome, message: row.error, at: row.ended_at }
}
