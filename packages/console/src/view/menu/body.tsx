import { useState } from 'preact/hooks'
import { remember } from '../../conversations.ts'
import { addressOfFiles } from '../../route.ts'
import { client, sentenceOf } from '../../service.ts'
import { details as opened } from '../../session.ts'
import { Failure } from '../failure.tsx'
import { Delete } from './delete.tsx'
import { Downloads } from './downloads.tsx'
import type { MenuProps } from './menu.tsx'

/** Its title and tags, what can be kept of it, and how it goes. */
export function MenuBody({ details }: MenuProps) {
  const { conversation_id: id, title, tags, archived } = details
  const [said, setSaid] = useState<string>()
  const [isDeleting, setDeleting] = useState(false)
  const change = (body: object) => {
    setSaid(undefined)
    client
      .changeConversation(id, body)
      .then((changed) => {
        remember(changed)
        // No event tells of a name.
        const open = opened.value
        if (open?.conversation_id === id) opened.value = { ...open, ...changed }
      })
      .catch((error: unknown) => setSaid(sentenceOf(error)))
  }
  return (
    <>
      <label class="above">
        Title
        <input
          type="text"
          defaultValue={title ?? ''}
          placeholder="From what is said"
          onChange={({ currentTarget: { value } }) => change({ title: value.trim() === '' ? null : value })}
        />
      </label>
      <label class="above">
        Tags
        <input
          type="text"
          defaultValue={tags.join(', ')}
          placeholder="With commas between"
          onChange={({ currentTarget: { value } }) => change({ tags: tagsIn(value) })}
        />
      </label>
      <Failure words={said} />
      <a class="button" href={addressOfFiles(id)}>
        Files and changes
      </a>
      <Downloads id={id} name={title ?? id} onFailure={setSaid} />
      <button type="button" onClick={() => change({ archived: !archived })}>
        {archived ? 'Bring back from the archive' : 'Archive'}
      </button>
      <button type="button" class="danger" onClick={() => setDeleting(true)}>
        Delete…
      </button>
      {isDeleting && <Delete details={details} onClose={() => setDeleting(false)} />}
    </>
  )
}

function tagsIn(text: string): string[] {
  const tags = text.split(',').map((tag) => tag.trim())
  return [...new Set(tags.filter((tag) => tag !== ''))]
}
