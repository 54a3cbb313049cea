import { useState } from 'preact/hooks'
import { place } from '../../route.ts'
import { later } from '../later.tsx'

const PromptActions = later(() => import('./actions.tsx').then((part) => part.PromptActions))

/** What else can be done with a prompt that was given. */
export function PromptMenu({ seq, text }: { seq: number; text: string }) {
  const [isOpen, setOpen] = useState(false)
  const here = place.value
  if (here.at !== 'conversation') return undefined
  return (
    <>
      <button
        type="button"
        class="quiet prompt-menu"
        aria-label="Fork or rewind from here"
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        ⋯
      </button>
      {isOpen && <PromptActions id={here.id} seq={seq} text={text} onClose={() => setOpen(false)} />}
    </>
  )
}
