import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useState } from 'preact/hooks'
import { ask, sentenceOf } from '../wire/service.ts'

type Waiting = Answer<'ConversationDetails'>['queue']

/** What waits until the agent has time, in the order in which it gets it. */
export function QueueView({ prompts, onChanged }: { prompts: Waiting; onChanged: () => void }) {
  const [said, setSaid] = useState<string>()
  if (prompts.length === 0) return undefined
  const change = (id: string, method: 'PATCH' | 'DELETE' | 'POST', body?: object) => {
    const path = `v1/queue/${id}${method === 'POST' ? '/steer' : ''}`
    ask<'Prompt'>(path, { method, ...(body && { body }) })
      .then(() => setSaid(undefined))
      .catch((error: unknown) => setSaid(sentenceOf(error)))
      .finally(onChanged)
  }
  return (
    <section class="queue" aria-label="Prompts that wait">
      <ol>
        {prompts.map(({ prompt_id: id, text }, at) => (
          <li key={id}>
            <span class="gist">{text || 'Attachments'}</span>
            {at > 0 && (
              <button
                type="button"
                class="quiet"
                aria-label="Move up"
                onClick={() => change(id, 'PATCH', { position: at })}
              >
                ↑
              </button>
            )}
            <button type="button" class="quiet" onClick={() => change(id, 'POST')}>
              Now
            </button>
            <button type="button" class="quiet" onClick={() => change(id, 'DELETE')}>
              Cancel
            </button>
          </li>
        ))}
      </ol>
      {said !== undefined && (
        <p class="error" role="alert">
          {said}
        </p>
      )}
    </section>
  )
}
