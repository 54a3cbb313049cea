import { useState } from 'preact/hooks'
import { counted } from '../../amounts.ts'
import { forget, titleOf } from '../../conversations.ts'
import { go } from '../../route.ts'
import { client, sentenceOf } from '../../service.ts'
import { Dialog } from '../dialog.tsx'
import { Failure } from '../failure.tsx'
import type { MenuProps } from './menu.tsx'

/** Names what goes for good, and what stays, before it goes. */
export function Delete({ details, onClose }: Pick<MenuProps, 'details'> & { onClose: () => void }) {
  const { conversation_id: id, head, runs, queue, cwd } = details
  const [said, setSaid] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const remove = () => {
    setBusy(true)
    client
      .deleteConversation(id)
      .then(() => {
        forget(id)
        go('#/')
      })
      .catch((error: unknown) => {
        setSaid(sentenceOf(error))
        setBusy(false)
      })
  }
  return (
    <Dialog title="Delete this conversation?" onClose={onClose}>
      <p>
        <b>{titleOf(details)}</b> goes for good, with {counted(runs, 'run')}, {counted(head, 'event')}
        {queue.length > 0 && `, ${counted(queue.length, 'prompt')} that wait${queue.length === 1 ? 's' : ''}`} and what
        was attached to it.
      </p>
      <p class="about">
        What the agent did stays: the files in {cwd}, and the agent's own session of it. What it has cost stays in the
        sums of the usage.
      </p>
      <Failure words={said} />
      <div class="actions">
        <button type="button" class="danger primary" disabled={isBusy} onClick={remove}>
          Delete for good
        </button>
        <button type="button" disabled={isBusy} onClick={onClose}>
          Keep it
        </button>
      </div>
    </Dialog>
  )
}
