import type { Answer } from '@claude-proxy/protocol/endpoints'
import type { EventPayload } from '@claude-proxy/protocol/events'

/** What has become of a prompt: it waits, it works, it was taken back, or its run has ended. */
export type Fate = 'waiting' | 'working' | 'cancelled' | 'over'

/** Reads the events after `watch_since` and says what has become of the prompt. Pure. */
export function createEnding({ run_id: id, outcome }: Pick<Answer<'Sent'>, 'run_id' | 'outcome'>) {
  let fate: Fate = outcome === 'begun' || outcome === 'attached' ? 'working' : 'waiting'
  return {
    get fate() {
      return fate
    },
    take(event: EventPayload): Fate {
      if (event['prompt_id'] === id && event.subtype === 'prompt_cancelled') fate = 'cancelled'
      else if (fate === 'waiting' && isTaken(event, id)) fate = 'working'
      else if (fate === 'working' && event['prompt_id'] === id && event.subtype === 'prompt_queued') fate = 'waiting'
      else if (fate === 'working' && event.type === 'result') fate = 'over'
      return fate
    },
  }
}

/** A run has begun with it, or the turn under way has taken it. A steering prompt is an event before that. */
function isTaken(event: EventPayload, id: string | null): boolean {
  if (event['prompt_id'] === id && event.subtype === 'prompt_steered') return true
  if (event.type !== 'user' || event['steer'] === true) return false
  return event['prompt_id'] === id || String(event['uuid']).replaceAll('-', '') === id
}
