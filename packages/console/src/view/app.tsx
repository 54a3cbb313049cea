import { useEffect } from 'preact/hooks'
import { keepList } from '../conversations.ts'
import { place } from '../route.ts'
import { isLocked } from '../service.ts'
import { ConversationView } from './conversation.tsx'
import { keysShown, takeKey } from './keys.ts'
import { later } from './later.tsx'
import { List } from './list.tsx'
import { Lock } from './lock.tsx'
import { NewConversation } from './new.tsx'

const UsageView = later(() => import('./usage/usage.tsx').then((part) => part.UsageView))
const RunView = later(() => import('./run/run.tsx').then((part) => part.RunView))
const FilesView = later(() => import('./files/files.tsx').then((part) => part.FilesView))
const ArchivedView = later(() => import('./archived.tsx').then((part) => part.ArchivedView))
const KeysHelp = later(() => import('./keys-help.tsx').then((part) => part.KeysHelp))

export function App() {
  useEffect(() => {
    const over = new AbortController()
    void keepList(over.signal)
    document.addEventListener('keydown', takeKey, over)
    return () => over.abort()
  }, [])
  if (isLocked.value) return <Lock />
  const here = place.value
  return (
    <div class={`app at-${here.at}`}>
      <List />
      {here.at === 'conversation' && <ConversationView key={here.id} id={here.id} seq={here.seq} />}
      {here.at === 'new' && <NewConversation />}
      {here.at === 'usage' && <UsageView />}
      {here.at === 'run' && <RunView key={`${here.id} ${here.seq}`} id={here.id} seq={here.seq} />}
      {here.at === 'files' && <FilesView key={here.id} id={here.id} path={here.path} />}
      {here.at === 'archived' && <ArchivedView />}
      {keysShown.value && <KeysHelp />}
      {here.at === 'list' && (
        <main class="nothing">
          <p>Choose a conversation, or begin one.</p>
          <p class="about">
            <kbd>?</kbd> shows what the keys do
          </p>
        </main>
      )}
    </div>
  )
}
