import { connection } from '../conversations.ts'
import { type Outgoing, outbox, sendAgain } from '../outbox.ts'
import { Failure } from './failure.tsx'

/** What was sent to a conversation and is not there yet. */
export function OutboxView({ id, onEdit }: { id: string; onEdit: (prompt: Outgoing) => void }) {
  const prompts = outbox.value.filter(({ conversation }) => conversation === id)
  if (prompts.length === 0) return undefined
  return (
    <ol class="outbox" aria-label="On their way">
      {prompts.map((prompt) => (
        <li key={prompt.key} class={prompt.refused === undefined ? 'going' : ''}>
          <span class="gist">{prompt.text || 'Attachments'}</span>
          {prompt.refused === undefined ? (
            <small role="status">{connection.value === 'live' ? 'Sending…' : 'Goes when the connection is back'}</small>
          ) : (
            <>
              <Failure words={prompt.refused} />
              <button type="button" class="quiet" onClick={() => sendAgain(prompt)}>
                Send again
              </button>
              <button type="button" class="quiet" onClick={() => onEdit(prompt)}>
                Edit
              </button>
            </>
          )}
        </li>
      ))}
    </ol>
  )
}
