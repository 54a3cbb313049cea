import type { Load } from '../../core/ports/load.ts'
import type { RunState } from '../../core/ports/run.ts'
import type { State } from './state.ts'

export function load({ runs, queues, approvals }: State): Load {
  const inState = (state: RunState) => [...runs.values()].filter((run) => run.state === state).length
  const pending = [...approvals.values()].filter(({ state }) => state === 'pending')
  return {
    runs: { accepted: inState('accepted'), running: inState('running') },
    queued: [...queues.values()].reduce((sum, queue) => sum + queue.length, 0),
    questions: pending.length,
    oldestQuestionAt: pending.length === 0 ? undefined : Math.min(...pending.map(({ askedAt }) => askedAt)),
  }
}
