import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useEffect, useState } from 'preact/hooks'
import { nameOf } from '../conversations.ts'
import { client, sentenceOf } from '../service.ts'

interface Props {
  readonly folder: string
  readonly onChoose: (path: string) => void
}

interface Seen {
  readonly of: string
  readonly names: readonly string[]
  readonly isCut: boolean
}

const MOST = 500

/** The folders in a folder, as far as the service lets agents into them; from nowhere it begins at home. */
export function FolderPicker({ folder, onChoose }: Props) {
  const [seen, setSeen] = useState<Seen | string>()
  useEffect(() => {
    const at = folder.trim() === '' ? '~' : folder.trim()
    if (!/^[/~]/.test(at)) return setSeen(undefined)
    const over = new AbortController()
    const timer = setTimeout(() => {
      client
        .files({ cwd: at, limit: MOST }, { signal: over.signal })
        .then(({ entries, next_cursor: next }) =>
          setSeen({ of: at, names: directories(entries), isCut: next !== null }),
        )
        // Somebody who types is on the way to a folder; the sentence says how far that has come.
        .catch((error: unknown) => !over.signal.aborted && setSeen(sentenceOf(error)))
    }, 200)
    return () => {
      clearTimeout(timer)
      over.abort()
    }
  }, [folder])
  if (seen === undefined) return undefined
  if (typeof seen === 'string')
    return (
      <p class="about" role="status">
        {seen}
      </p>
    )
  const base = seen.of.replace(/\/$/, '')
  const parent = parentOf(base)
  return (
    <div class="picker">
      <ul class="chips folders" aria-label={`Folders in ${seen.of}`}>
        {parent !== undefined && (
          <li>
            <button type="button" class="quiet" aria-label={`Up to ${parent}`} onClick={() => onChoose(parent)}>
              ↑ {nameOf(parent)}
            </button>
          </li>
        )}
        {seen.names.map((name) => (
          <li key={name}>
            <button type="button" class="quiet" onClick={() => onChoose(`${base}/${name}`)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      {seen.names.length === 0 && <p class="about">No folders in {seen.of}.</p>}
      {seen.isCut && <p class="about">There are more: type the beginning of the path.</p>}
    </div>
  )
}

/** The folder above; of `~` and `/` there is none to be named. */
function parentOf(base: string): string | undefined {
  const end = base.lastIndexOf('/')
  if (end < 0 || base === '') return undefined
  return end === 0 ? '/' : base.slice(0, end)
}

function directories(entries: Answer<'FileList'>['entries']): string[] {
  return entries.filter(({ kind, leads_to: to }) => kind === 'directory' || to === 'directory').map(({ name }) => name)
}
