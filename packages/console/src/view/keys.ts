import { signal } from '@preact/signals'
import { groups } from '../conversations.ts'
import { addressOf, go, place } from '../route.ts'

export interface Key {
  readonly key: string
  readonly does: string
  readonly act: () => void
}

/** Whether the person is being shown what the keys do. */
export const keysShown = signal(false)

export const KEYS: readonly Key[] = [
  { key: 'n', does: 'New conversation', act: () => go('#/new') },
  { key: '/', does: 'Search all transcripts', act: () => document.getElementById('search')?.focus() },
  { key: 'j', does: 'Next conversation', act: () => step(1) },
  { key: 'k', does: 'The one before', act: () => step(-1) },
  { key: 'p', does: 'Write a prompt', act: () => document.getElementById('prompt')?.focus() },
  { key: 'Escape', does: 'Stop the agent', act: () => document.getElementById('interrupt')?.click() },
  { key: 'u', does: 'Usage and cost', act: () => go('#/usage') },
  { key: '?', does: 'What the keys do', act: () => (keysShown.value = true) },
]

/** Does what a key is for; whoever writes, or answers a question of the page, is left alone. */
export function takeKey(event: KeyboardEvent): void {
  const isWriting = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
  if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return
  // There Escape closes, and must not stop an agent.
  if (document.querySelector('dialog[open]')) return
  const key = KEYS.find(({ key: one }) => one === event.key)
  if (!key) return
  event.preventDefault()
  key.act()
}

function step(by: number): void {
  const ids = groups.value.flatMap(({ conversations }) => conversations.map(({ conversation_id: id }) => id))
  const at = place.value.at === 'conversation' ? ids.indexOf(place.value.id) : -1
  const next = ids[at < 0 ? 0 : at + by]
  if (next !== undefined) go(addressOf(next))
}
