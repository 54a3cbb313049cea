import { computed, signal } from '@preact/signals'

const hash = signal(location.hash)
window.addEventListener('hashchange', () => (hash.value = location.hash))

type Place =
  | { readonly at: 'list' | 'new' | 'usage' | 'archived' }
  | { readonly at: 'conversation'; readonly id: string; readonly seq: number | undefined }
  | { readonly at: 'run'; readonly id: string; readonly seq: number }
  | { readonly at: 'files'; readonly id: string; readonly path: string }

/**
 * What is open: `#/c/ID`, `#/new`, `#/usage`, `#/archived`, or nothing. `#/c/ID/12` is at event 12; `#/run/ID/12` tells
 * of the run that began with event 12; `#/files/ID/src/` shows a directory of the conversation's folder, `#/files/ID/a.ts`
 * a file in it.
 */
export const place = computed((): Place => {
  const [, what, id, seq, ...deeper] = hash.value.split('/')
  if (what === 'new' || what === 'usage' || what === 'archived') return { at: what }
  if (what === 'run' && id !== undefined) return { at: 'run', id: decodeURIComponent(id), seq: Number(seq) }
  if (what === 'files' && id !== undefined) {
    const path = [seq ?? '', ...deeper].map(decodeURIComponent).join('/')
    return { at: 'files', id: decodeURIComponent(id), path }
  }
  if (what !== 'c' || id === undefined) return { at: 'list' }
  return { at: 'conversation', id: decodeURIComponent(id), seq: seq === undefined ? undefined : Number(seq) }
})

export function addressOf(id: string, seq?: number): string {
  return `#/c/${encodeURIComponent(id)}${seq === undefined ? '' : `/${seq}`}`
}

export function addressOfRun(id: string, begun: number): string {
  return `#/run/${encodeURIComponent(id)}/${begun}`
}

/** A path that ends with a slash is a directory; the empty one is the folder itself. */
export function addressOfFiles(id: string, path = ''): string {
  return `#/files/${[id, ...path.split('/')].map(encodeURIComponent).join('/')}`
}

export function go(to: string): void {
  location.hash = to
}
