import { computed, signal } from '@preact/signals'

const hash = signal(location.hash)
window.addEventListener('hashchange', () => (hash.value = location.hash))

/** What is open: `#/c/ID`, `#/new`, or nothing. `#/c/ID/12` is at event 12. */
export const place = computed(() => {
  const [, what, id, seq] = hash.value.split('/')
  if (what === 'new') return { at: 'new' as const }
  if (what !== 'c' || id === undefined) return { at: 'list' as const }
  return { at: 'conversation' as const, id: decodeURIComponent(id), seq: seq === undefined ? undefined : Number(seq) }
})

export function addressOf(id: string, seq?: number): string {
  return `#/c/${encodeURIComponent(id)}${seq === undefined ? '' : `/${seq}`}`
}

export function go(to: string): void {
  location.hash = to
}
