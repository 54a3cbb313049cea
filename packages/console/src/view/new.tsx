import { useState } from 'preact/hooks'
import { folders, nameOf, remember } from '../conversations.ts'
import { post } from '../outbox.ts'
import { addressOf, go } from '../route.ts'
import { client, sentenceOf } from '../service.ts'
import { Failure } from './failure.tsx'
import { FolderPicker } from './folder-picker.tsx'

/** A conversation to come: in which folder, and with what it begins. */
export function NewConversation() {
  const [folder, setFolder] = useState(() => folders.value[0] ?? '')
  const [text, setText] = useState('')
  const [said, setSaid] = useState<string>()
  const [isBusy, setBusy] = useState(false)

  const begin = async () => {
    setBusy(true)
    setSaid(undefined)
    try {
      const made = await client.createConversation({ cwd: folder })
      remember(made)
      const id = made.conversation_id
      // It is there now: what goes wrong from here on is told where it is.
      if (text.trim() !== '') post({ conversation: id, text, whenBusy: 'queue', uploads: [] })
      go(addressOf(id))
    } catch (error) {
      setSaid(sentenceOf(error))
      setBusy(false)
    }
  }

  return (
    <main class="conversation new" aria-label="New conversation">
      <header class="bar">
        <a class="button quiet back" href="#/" aria-label="All conversations">
          ‹
        </a>
        <div class="heading">
          <h1>New conversation</h1>
        </div>
      </header>
      <form
        class="sheet"
        onSubmit={(event) => {
          event.preventDefault()
          void begin()
        }}
      >
        <label>
          Folder
          <input
            type="text"
            required
            autocomplete="off"
            spellcheck={false}
            placeholder="/home/me/project"
            value={folder}
            onInput={({ currentTarget }) => setFolder(currentTarget.value)}
          />
        </label>
        {folders.value.length > 0 && (
          <ul class="chips" aria-label="Recent folders">
            {folders.value.slice(0, 6).map((path) => (
              <li key={path}>
                <button type="button" class="quiet" title={path} onClick={() => setFolder(path)}>
                  {nameOf(path)}
                </button>
              </li>
            ))}
          </ul>
        )}
        <FolderPicker folder={folder} onChoose={setFolder} />
        <label>
          What is to be done?
          <textarea rows={5} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        <Failure words={said} />
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy || folder.trim() === ''}>
            Start
          </button>
        </div>
      </form>
    </main>
  )
}
