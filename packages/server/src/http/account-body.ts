import type { Account, AgentFacts, ModelUse } from '../core/ports/account.ts'
import type { Settings } from '../core/ports/settings.ts'
import type { Run } from '../core/ports/run.ts'
import { sumByModel, type Tally, withFacts } from '../core/runs/account.ts'
import { timestamp } from '../core/timestamp.ts'

/** A run that goes on, and what its agent has used and said so far. */
export interface UnderWay {
  readonly run: Run
  readonly tally: Tally
}

/** The account with what the run adds to it that is under way in the conversation. */
export function upToNow(account: Account, underWay: UnderWay | undefined): Account {
  // It may have ended since we looked: then it is in there already.
  if (!underWay || account.newest === underWay.run.id) return account
  const { usage, facts } = underWay.tally
  return {
    ...account,
    usage: sumByModel([...account.usage, ...usage]),
    facts: withFacts(account.facts, facts),
  }
}

/** What the conversation's next runs begin with, and what the agent said last that it works with. */
export function settingsBody({ model, effort, permissionMode }: Settings, facts: AgentFacts, isUnderWay: boolean) {
  const mode = permissionMode ?? null
  return {
    model: { asked: model ?? null, in_use: facts.model ?? null },
    effort: { asked: effort ?? null, in_use: facts.effort ?? null },
    // At rest it is nothing that the agent could still be in.
    permission_mode: { asked: mode, in_use: (isUnderWay ? facts.permissionMode : undefined) ?? mode ?? 'default' },
  }
}

/** What a conversation has come to, as clients see it (PROTOCOL.md section 3.19). */
export function accountBody({ runs, usage, facts }: Account) {
  const costs = usage.flatMap(({ costUsd }) => costUsd ?? [])
  return {
    runs,
    cost_usd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
    usage: {
      input_tokens: total(usage, 'inputTokens'),
      output_tokens: total(usage, 'outputTokens'),
      cache_read_input_tokens: total(usage, 'cacheReadTokens'),
      cache_creation_input_tokens: total(usage, 'cacheCreationTokens'),
    },
    context: contextBody(facts),
    rate_limit: rateLimitBody(facts),
  }
}

function total(
  usage: readonly ModelUse[],
  kind: 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheCreationTokens',
) {
  return usage.reduce((all, use) => all + use[kind], 0)
}

function rateLimitBody({ rateLimit }: AgentFacts) {
  if (!rateLimit) return null
  const { status, type = null, used = null, resetsAt } = rateLimit
  return { status, type, used, resets_at: resetsAt === undefined ? null : timestamp(resetsAt) }
}

function contextBody({ contextTokens: tokens, contextWindow: window }: AgentFacts) {
  if (tokens === undefined) return null
  const percent = window === undefined ? null : Math.round((tokens / window) * 1000) / 10
  return { tokens, window: window ?? null, percent, from: 'last_response' as const }
}
