import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useEffect, useState } from 'preact/hooks'
import { nameOf } from '../conversations.ts'
import { client, sentenceOf } from '../service.ts'
import { useAnswer } from './answer.ts'

interface Props {
  readonly folder: string
  readonly onChoose: (path: string) => void
}

/** From nowhere one begins at the folders that agents may work in, or at home where that is anywhere. */
export function FolderPicker({ folder, onChoose }: Props) {
  const places = useAnswer('', (signal) => client.folders(undefined, { signal }))
  if (places.is === 'coming') return undefined
  if (places.is === 'refused') return <Said words={places.why} />
  const { roots, home } = places.answer
  const isAnywhere = roots.includes('/')
  const at = folder.trim() === '' && isAnywhere ? (home ?? '/') : folder.trim()
  if (at !== '') return <Inside at={at} roots={roots} onChoose={onChoose} />
  return (
    <ul class="chips folders" aria-label="Where agents may work">
      {roots.map((root) => (
        <Chip key={root} label={root} onChoose={() => onChoose(root)} />
      ))}
    </ul>
  )
}

interface Seen {
  readonly of: string
  readonly names: readonly string[]
  readonly isCut: boolean
}

const MOST = 500

/** The folders in a folder, and the way up, as far as agents may go. */
function Inside({ at, roots, onChoose }: { at: string; roots: readonly string[]; onChoose: Props['onChoose'] }) {
  const [seen, setSeen] = useState<Seen | string>()
  useEffect(() => {
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
  }, [at])
  if (seen === undefined) return undefined
  if (typeof seen === 'string') return <Said words={seen} />
  const base = seen.of.replace(/\/$/, '')
  const parent = roots.includes(base || '/') ? undefined : parentOf(base)
  return (
    <div class="picker">
      <ul class="chips folders" aria-label={`Folders in ${seen.of}`}>
        {parent !== undefined && (
          <Chip label={`↑ ${nameOf(parent)}`} name={`Up to ${parent}`} onChoose={() => onChoose(parent)} />
        )}
        {parent === undefined && roots.length > 1 && (
          <Chip label="↑ All folders" name="Up to all folders" onChoose={() => onChoose('')} />
        )}
        {seen.names.map((name) => (
          <Chip key={name} label={name} onChoose={() => onChoose(`${base}/${name}`)} />
        ))}
      </ul>
      {seen.names.length === 0 && <p class="about">No folders in {seen.of}.</p>}
      {seen.isCut && <p class="about">There are more: type the beginning of the path.</p>}
    </div>
  )
}

function Chip({ label, name, onChoose }: { label: string; name?: string; onChoose: () => void }) {
  return (
    <li>
      <button type="button" class="quiet" aria-label={name} onClick={onChoose}>
        {label}
      </button>
    </li>
  )
}

function Said({ words }: { words: string }) {
  return (
    <p class="about" role="status">
      {words}
    </p>
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
