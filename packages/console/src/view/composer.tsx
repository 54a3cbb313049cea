import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useEffect, useRef, useState } from 'preact/hooks'
import { client, sentenceOf } from '../service.ts'

type Upload = Answer<'Upload'>

const WHEN_BUSY = { queue: 'after this', steer: 'into this turn', interrupt: 'instead' } as const
type WhenBusy = keyof typeof WHEN_BUSY

/** What the agent is told next. What is not sent yet survives the page. */
export function Composer({ id, isBusy }: { id: string; isBusy: boolean }) {
  const key = `draft ${id}`
  const [text, setText] = useState(() => localStorage.getItem(key) ?? '')
  const [whenBusy, setWhenBusy] = useState<WhenBusy>('queue')
  const [said, setSaid] = useState<string>()
  const [isSending, setSending] = useState(false)
  const { uploads, add, remove, clear } = useUploads(setSaid)
  const area = useRef<HTMLTextAreaElement>(null)

  const write = (next: string) => {
    setText(next)
    if (next === '') localStorage.removeItem(key)
    else localStorage.setItem(key, next)
  }
  useEffect(() => {
    const { current } = area
    if (!current) return
    current.style.height = 'auto'
    current.style.height = `${Math.min(current.scrollHeight + 2, 240)}px`
  }, [text])

  const send = async () => {
    if (isSending || (text.trim() === '' && uploads.length === 0)) return
    setSending(true)
    setSaid(undefined)
    try {
      await sendPrompt(id, text, { whenBusy: isBusy ? whenBusy : 'queue', uploads })
      write('')
      clear()
    } catch (error) {
      setSaid(sentenceOf(error))
    }
    setSending(false)
    area.current?.focus()
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        void add(event.dataTransfer?.files)
      }}
    >
      {said !== undefined && (
        <p class="error" role="alert">
          {said}
        </p>
      )}
      {uploads.length > 0 && (
        <ul class="chips" aria-label="Attached">
          {uploads.map(({ upload_id: one, name, media_type: type }) => (
            <li key={one}>
              {name ?? type}
              <button type="button" class="quiet" aria-label={`Remove ${name ?? type}`} onClick={() => remove(one)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        id="prompt"
        ref={area}
        rows={1}
        value={text}
        aria-label="Prompt"
        placeholder={isBusy ? 'Say something meanwhile' : 'What is to be done?'}
        onInput={({ currentTarget }) => write(currentTarget.value)}
        onPaste={(event) => void add(event.clipboardData?.files)}
        onKeyDown={(event) => {
          // Where there is no keyboard, Enter is how a line ends.
          const isSend =
            event.key === 'Enter' && !event.shiftKey && !event.isComposing && matchMedia('(pointer: fine)').matches
          if (!isSend) return
          event.preventDefault()
          void send()
        }}
      />
      <div class="actions">
        <label class="button quiet">
          Attach
          <input
            type="file"
            multiple
            class="unseen"
            onChange={({ currentTarget }) => {
              void add(currentTarget.files)
              currentTarget.value = ''
            }}
          />
        </label>
        {isBusy && (
          <select
            aria-label="When the agent gets it"
            value={whenBusy}
            onChange={({ currentTarget }) => setWhenBusy(currentTarget.value as WhenBusy)}
          >
            {Object.entries(WHEN_BUSY).map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        )}
        <button type="submit" class="primary" disabled={isSending}>
          Send
        </button>
      </div>
    </form>
  )
}

interface Sending {
  readonly whenBusy: WhenBusy
  readonly uploads: readonly Upload[]
}

/** It is one prompt, however often it has to be sent. */
export async function sendPrompt(id: string, text: string, { whenBusy, uploads }: Sending): Promise<void> {
  await client.send(id, {
    text,
    when_busy: whenBusy,
    can_answer: ['question', 'plan', 'elicitation'],
    ...(uploads.length > 0 && { attachments: uploads.map(({ upload_id }) => ({ upload_id })) }),
  })
}

function useUploads(say: (sentence: string) => void) {
  const [uploads, setUploads] = useState<readonly Upload[]>([])
  return {
    uploads,
    add: async (files: FileList | null | undefined) => {
      for (const file of files ?? []) {
        try {
          const upload = await client.upload(file, file.name === '' ? {} : { name: file.name })
          setUploads((all) => [...all, upload])
        } catch (error) {
          say(`${file.name}: ${sentenceOf(error)}`)
        }
      }
    },
    remove: (id: string) => setUploads((all) => all.filter(({ upload_id: one }) => one !== id)),
    clear: () => setUploads([]),
  }
}
