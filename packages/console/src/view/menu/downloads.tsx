import { client, sentenceOf } from '../../service.ts'

const FORMS = [
  { name: 'Markdown', ending: 'md', door: 'transcript', query: { format: 'md' } },
  { name: 'HTML', ending: 'html', door: 'transcript', query: { format: 'html' } },
  { name: 'JSON', ending: 'json', door: 'transcript', query: { format: 'json' } },
  { name: 'Events', ending: 'ndjson', door: 'history', query: {} },
] as const
type Form = (typeof FORMS)[number]

interface Props {
  readonly id: string
  /** What the files are called. */
  readonly name: string
  readonly onFailure: (why: string) => void
}

/** The conversation as files: to read, or every event as it is. */
export function Downloads({ id, name, onFailure }: Props) {
  const download = async ({ door, query, ending }: Form) => {
    try {
      const response = await client.open(door, { path: { id }, query })
      save(await response.blob(), `${fileName(name)}.${ending}`)
    } catch (error) {
      onFailure(sentenceOf(error))
    }
  }
  return (
    <fieldset class="downloads">
      <legend>Download</legend>
      {FORMS.map((form) => (
        <button key={form.ending} type="button" class="quiet" onClick={() => void download(form)}>
          {form.name}
        </button>
      ))}
    </fieldset>
  )
}

/** It is fetched first: an address alone could not carry the token. */
function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has begun to take it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

/** What every system can have in the name of a file. */
function fileName(title: string): string {
  return title.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 80) || 'conversation'
}
