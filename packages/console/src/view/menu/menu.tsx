import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useState } from 'preact/hooks'
import { later } from '../later.tsx'

const MenuBody = later(() => import('./body.tsx').then((part) => part.MenuBody))

export interface MenuProps {
  readonly details: Answer<'ConversationDetails'>
}

/** What can be done with a conversation as a whole. */
export function ConversationMenu(props: MenuProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details class="menu" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary class="button quiet" aria-label="More">
        ⋯
      </summary>
      <div class="body">{isOpen && <MenuBody {...props} />}</div>
    </details>
  )
}
