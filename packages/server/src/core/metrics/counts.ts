import type { ModelUse, RateLimit } from '../ports/account.ts'
import type { Metrics } from '../ports/metrics.ts'
import { Counter } from './counter.ts'
import { counter, type Family, gauge } from './family.ts'
import { Histogram } from './histogram.ts'

/** What was counted since the service started. */
export interface Counts extends Metrics {
  families(): Family[]
}

/** In seconds. A commit is an fsync: what a disk without a cache of its own takes is in the middle. */
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const START_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]

const TOKENS = {
  input: 'inputTokens',
  output: 'outputTokens',
  cache_read: 'cacheReadTokens',
  cache_creation: 'cacheCreationTokens',
} as const satisfies Record<string, keyof ModelUse>

const MOST_LIMITS = 20

export function createCounts(): Counts {
  let events = 0
  let bytes = 0
  const runs = new Counter('outcome')
  const errors = new Counter('code')
  const costs = new Counter('model')
  const tokens = Object.entries(TOKENS).map(([kind, field]) => ({ kind, field, count: new Counter('model') }))
  const starts = { cold: new Histogram(START_SECONDS), warm: new Histogram(START_SECONDS) }
  const commits = new Histogram(COMMIT_SECONDS)
  const limits = new Map<string, RateLimit>()

  return {
    eventsStored(count) {
      events += count
    },
    bytesSent(count) {
      bytes += count
    },
    runEnded(outcome, usage) {
      runs.add(outcome, 1)
      for (const use of usage) {
        costs.add(use.model, use.costUsd ?? 0)
        for (const { field, count } of tokens) count.add(use.model, use[field])
      }
    },
    agentBegan(how, ms) {
      starts[how].observe(ms / 1000)
    },
    rateLimited(limit) {
      const type = limit.type ?? 'unknown'
      // What the Messages API names are few; should they ever not be, the rest is not told.
      if (limits.has(type) || limits.size < MOST_LIMITS) limits.set(type, limit)
    },
    committed(ms) {
      commits.observe(ms / 1000)
    },
    requestFailed(code) {
      errors.add(code, 1)
    },

    families: () => [
      counter('claude_proxy_runs_total', 'Runs that have ended.', runs.samples()),
      counter(
        'claude_proxy_tokens_total',
        'Tokens of runs that have ended.',
        tokens.flatMap(({ kind, count }) => count.samples({ kind })),
      ),
      counter('claude_proxy_cost_usd_total', "What they cost, by the agent's own estimate.", costs.samples()),
      gauge(
        'claude_proxy_rate_limit_used_ratio',
        "How much of a limit the agents' account has used, as they were told last; 1 is all.",
        [...limits].flatMap(([type, { used }]) => (used === undefined ? [] : { labels: { type }, value: used })),
      ),
      gauge(
        'claude_proxy_rate_limit_rejected',
        'Whether a limit refused them when they were told last.',
        [...limits].map(([type, { status }]) => ({ labels: { type }, value: status === 'rejected' ? 1 : 0 })),
      ),
      counter('claude_proxy_events_stored_total', 'Events that were stored.', [{ value: events }]),
      counter('claude_proxy_stream_bytes_total', 'Bytes that were written to event streams.', [{ value: bytes }]),
      counter('claude_proxy_errors_total', 'Requests that were answered with an error.', errors.samples()),
      {
        name: 'claude_proxy_agent_start_seconds',
        type: 'histogram',
        help: 'From the prompt to the first word of the agent; cold: its process had to start.',
        samples: [...starts.cold.samples({ start: 'cold' }), ...starts.warm.samples({ start: 'warm' })],
      },
      {
        name: 'claude_proxy_commit_seconds',
        type: 'histogram',
        help: 'How long a transaction took until it was on the disk.',
        samples: commits.samples(),
      },
    ],
  }
}
