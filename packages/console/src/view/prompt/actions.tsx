import { useState } from 'preact/hooks'
import { remember } from '../../conversations.ts'
import { addressOf, go } from '../../route.ts'
import { client, sentenceOf } from '../../service.ts'
import { Dialog } from '../dialog.tsx'
import { Failure } from '../failure.tsx'
import { Rewind } from './rewind.tsx'

interface Props {
  readonly id: string
  /** The prompt, by its event. */
  readonly seq: number
  readonly text: string
  readonly onClose: () => void
}

/** Goes back to a prompt: in another conversation, or with the files. */
export function PromptActions({ id, seq, text, onClose }: Props) {
  const [isRewinding, setRewinding] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [said, setSaid] = useState<string>()
  const fork = async () => {
    setBusy(true)
    try {
      const made = await forkBefore(id, seq)
      // The prompt itself is what somebody wants to say differently.
      localStorage.setItem(`draft ${made.conversation_id}`, text)
      remember(made)
      go(addressOf(made.conversation_id))
    } catch (error) {
      setSaid(sentenceOf(error))
      setBusy(false)
    }
  }
  return (
    <Dialog title="Back to this prompt" onClose={onClose}>
      <blockquote class="quoted">{text.length > 300 ? `${text.slice(0, 300)}…` : text || 'Attachments'}</blockquote>
      <Failure words={said} />
      {isRewinding ? (
        <Rewind id={id} seq={seq} onClose={onClose} />
      ) : (
        <>
          <div class="choice-of">
            <button type="button" disabled={isBusy} onClick={() => void fork()}>
              Fork from here
            </button>
            <p class="about">
              Another conversation that knows what was said before this prompt. The prompt waits there to be changed and
              sent. This conversation and the files stay as they are.
            </p>
          </div>
          <div class="choice-of">
            <button type="button" disabled={isBusy} onClick={() => setRewinding(true)}>
              Rewind files to here…
            </button>
            <p class="about">
              Puts files back as they were before this prompt. First you see which. The conversation stays as it is.
            </p>
          </div>
        </>
      )}
    </Dialog>
  )
}

/** With what was said before a prompt; before the first one nothing was. */
async function forkBefore(id: string, seq: number) {
  if (seq > 1) return client.fork(id, { from: seq - 1 })
  const { cwd } = await client.conversation(id)
  return client.createConversation({ cwd })
}
