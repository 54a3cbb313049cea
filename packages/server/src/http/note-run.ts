import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Traces } from '../core/trace/traces.ts'
import type { About } from './app.ts'

/** Notes the run that a request leads to, for the log; one that it has begun, or that waits, is traced. */
export function noteRun(
  traces: Traces | undefined,
  about: About,
  { conversation, run, outcome }: { conversation: ConversationId; run: RunId; outcome: string },
): void {
  about.run = run
  const { at, parent } = about
  if (outcome === 'begun' || outcome === 'queued')
    traces?.follow({ conversation, run, at, parent, isQueued: outcome === 'queued' })
}
