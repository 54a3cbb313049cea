import { useEffect, useRef, useState } from 'preact/hooks'
import { type Outgoing, post, takeBack, type Upload, type WhenBusy } from '../outbox.ts'
import { client, sentenceOf } from '../service.ts'
import { Failure } from './failure.tsx'
import { OutboxView } from './outbox.tsx'

const WHEN_BUSY: Readonly<Record<WhenBusy, string>> = {
  queue: 'after this',
  steer: 'into this turn',
  interrupt: 'instead',
}

/** What the agent is told next. What is not sent yet survives the page. */
export function Composer({ id, isBusy }: { id: string; isBusy: boolean }) {
  const key = `draft ${id}`
  const [text, setText] = useState(() => localStorage.getItem(key) ?? '')
  const [whenBusy, setWhenBusy] = useState<WhenBusy>('queue')
  const [said, setSaid] = useState<string>()
  const { uploads, add, remove, replace } = useUploads(setSaid)
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

  const send = () => {
    // What stands there, drawn or not yet.
    const words = area.current?.value ?? text
    if (words.trim() === '' && uploads.length === 0) return
    post({ conversation: id, text: words, whenBusy: isBusy ? whenBusy : 'queue', uploads })
    // Kept there from here on. What is written meanwhile is the next.
    write('')
    replace([])
    setSaid(undefined)
    area.current?.focus()
  }
  const edit = (prompt: Outgoing) => {
    takeBack(prompt)
    write([prompt.text, text].filter((each) => each !== '').join('\n'))
    replace([...prompt.uploads, ...uploads])
    area.current?.focus()
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        void add(event.dataTransfer?.files)
      }}
    >
      <OutboxView id={id} onEdit={edit} />
      <Failure words={said} />
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
          send()
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
        <button type="submit" class="primary">
          Send
        </button>
      </div>
    </form>
  )
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
    replace: setUploads,
  }
}
