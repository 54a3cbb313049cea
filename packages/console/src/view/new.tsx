import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useEffect, useState } from 'preact/hooks'
import { folders, nameOf, remember } from '../conversations.ts'
import { addressOf, go } from '../route.ts'
import { client, sentenceOf } from '../service.ts'
import { sendPrompt } from './composer.tsx'

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
      // It is there now: what goes wrong from here on is told where it is, with the text kept.
      localStorage.setItem(`draft ${id}`, text)
      if (text.trim() !== '') {
        await sendPrompt(id, text, { whenBusy: 'queue', uploads: [] }).then(() =>
          localStorage.removeItem(`draft ${id}`),
        )
      }
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
        <Browse folder={folder} onChoose={setFolder} />
        <label>
          What is to be done?
          <textarea rows={5} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        {said !== undefined && (
          <p class="error" role="alert">
            {said}
          </p>
        )}
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy || folder.trim() === ''}>
            Start
          </button>
        </div>
      </form>
    </main>
  )
}

/** The folders in a folder, as far as the service shows them. */
function Browse({ folder, onChoose }: { folder: string; onChoose: (path: string) => void }) {
  const [found, setFound] = useState<{ readonly of: string; readonly names: readonly string[] }>()
  useEffect(() => {
    if (!folder.startsWith('/')) return setFound(undefined)
    const over = new AbortController()
    const timer = setTimeout(() => {
      client
        .files({ cwd: folder, limit: 200 }, { signal: over.signal })
        .then(({ entries }) => setFound({ of: folder, names: directories(entries) }))
        // What is typed is not a folder yet, or not one to look into; that is said when it is chosen.
        .catch(() => setFound(undefined))
    }, 200)
    return () => {
      clearTimeout(timer)
      over.abort()
    }
  }, [folder])
  if (found === undefined || found.of !== folder) return undefined
  const base = folder.replace(/\/$/, '')
  const parent = base.slice(0, base.lastIndexOf('/'))
  return (
    <ul class="chips folders" aria-label="Folders in it">
      {parent !== '' && (
        <li>
          <button type="button" class="quiet" onClick={() => onChoose(parent)}>
            ..
          </button>
        </li>
      )}
      {found.names.map((name) => (
        <li key={name}>
          <button type="button" class="quiet" onClick={() => onChoose(`${base}/${name}`)}>
            {name}
          </button>
        </li>
      ))}
    </ul>
  )
}

function directories(entries: Answer<'FileList'>['entries']): string[] {
  return entries.filter(({ kind, leads_to: to }) => kind === 'directory' || to === 'directory').map(({ name }) => name)
}
