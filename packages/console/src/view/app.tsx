import { useEffect } from 'preact/hooks'
import { groups, keepList } from '../conversations.ts'
import { addressOf, go, place } from '../route.ts'
import { isLocked } from '../service.ts'
import { ConversationView } from './conversation.tsx'
import { List } from './list.tsx'
import { Lock } from './lock.tsx'
import { NewConversation } from './new.tsx'

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
      {here.at === 'list' && (
        <main class="nothing">
          <p>Choose a conversation, or begin one.</p>
          <p class="about">
            <kbd>n</kbd> new · <kbd>/</kbd> search · <kbd>j</kbd> <kbd>k</kbd> next and previous · <kbd>p</kbd> prompt ·{' '}
            <kbd>Esc</kbd> stop
          </p>
        </main>
      )}
    </div>
  )
}

/** Keys of the page; whoever writes is left alone. */
function takeKey(event: KeyboardEvent): void {
  const isWriting = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
  if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return
  const act = KEYS[event.key]
  if (!act) return
  event.preventDefault()
  act()
}

const KEYS: Readonly<Record<string, () => void>> = {
  n: () => go('#/new'),
  '/': () => document.getElementById('search')?.focus(),
  p: () => document.getElementById('prompt')?.focus(),
  j: () => step(1),
  k: () => step(-1),
  Escape: () => document.getElementById('interrupt')?.click(),
}

function step(by: number): void {
  const ids = groups.value.flatMap(({ conversations }) => conversations.map(({ conversation_id: id }) => id))
  const at = place.value.at === 'conversation' ? ids.indexOf(place.value.id) : -1
  const next = ids[at < 0 ? 0 : at + by]
  if (next !== undefined) go(addressOf(next))
}
