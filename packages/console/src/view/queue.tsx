import type { WaitingPrompt } from '@claude-proxy/client/view'
import { useState } from 'preact/hooks'
import { client, sentenceOf } from '../service.ts'
import { Failure } from './failure.tsx'

/** What waits until the agent has time, in the order in which it gets it. */
export function QueueView({ prompts }: { prompts: readonly WaitingPrompt[] }) {
  const [said, setSaid] = useState<string>()
  if (prompts.length === 0) return undefined
  const change = (changing: Promise<unknown>) => {
    changing.then(() => setSaid(undefined)).catch((error: unknown) => setSaid(sentenceOf(error)))
  }
  const steering = prompts.filter(({ state }) => state === 'steering').length
  return (
    <section class="queue" aria-label="Prompts that wait">
      <ol>
        {prompts.map(({ id, text, state }, at) => (
          <li key={id}>
            <span class="gist">{text || 'Attachments'}</span>
            {state === 'steering' && <small>goes into this turn</small>}
            {state === 'queued' && at > steering && (
              <button
                type="button"
                class="quiet"
                aria-label="Move up"
                onClick={() => change(client.editPrompt(id, { position: at - steering }))}
              >
                ↑
              </button>
            )}
            {state === 'queued' && (
              <button type="button" class="quiet" onClick={() => change(client.steerPrompt(id))}>
                Now
              </button>
            )}
            <button type="button" class="quiet" onClick={() => change(client.cancelPrompt(id))}>
              Cancel
            </button>
          </li>
        ))}
      </ol>
      <Failure words={said} />
    </section>
  )
}
