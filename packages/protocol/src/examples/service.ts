import type { Examples } from '../examples.ts'
import { approval_id, at, conversation_id, cwd, run_id, tokens } from './subjects.ts'

const used = {
  runs: 3,
  outcomes: { succeeded: 2, interrupted: 1, failed: 0 },
  duration_ms: 61_000,
  cost_usd: 0.42,
  usage: tokens,
}

export const service: Examples = {
  health: { answer: { status: 'ok', version: '0.1.0', started_at: at } },
  ready: {
    answer: {
      status: 'ready',
      checks: [
        { name: 'service', status: 'ok', message: 'The service takes new runs.' },
        { name: 'agent', status: 'ok', message: 'The agent can be started.' },
        { name: 'store', status: 'ok', message: 'The event store answers and can be written.' },
        { name: 'disk', status: 'ok', message: '51200 MB are free where events are kept.' },
      ],
    },
  },
  metrics: { answer: 'claude_proxy_runs_total{outcome="success"} 42\n' },
  usage: {
    query: { by: 'folder', from: '2026-11-01', to: '2026-11-30', tz: 'Europe/Berlin' },
    answer: {
      by: 'folder',
      from: '2026-11-01',
      to: '2026-11-30',
      tz: 'Europe/Berlin',
      entries: [{ cwd, ...used }],
      total: used,
      truncated: false,
    },
  },
  audit: {
    query: { since: at, limit: '50' },
    answer: {
      entries: [
        {
          number: 17,
          at,
          who: 'phone',
          user_agent: 'curl/8.14.1',
          from: '127.0.0.1',
          action: 'answer',
          conversation_id,
          run_id,
          subject: approval_id,
          cwd,
          detail: 'allow Bash',
        },
      ],
      next_after: null,
    },
  },
}
