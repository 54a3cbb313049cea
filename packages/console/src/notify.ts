import { signal } from '@preact/signals'
import type { Conversation } from './conversations.ts'
import type { Event } from './model/events.ts'
import { addressOf, go } from './route.ts'

const canAsk = 'Notification' in window

/** Whether the person has been asked, and what they said. */
export const permission = signal(canAsk ? Notification.permission : 'denied')

export async function askToNotify(): Promise<void> {
  permission.value = await Notification.requestPermission()
}

/** Says aloud what somebody wants to know who looks elsewhere. */
export function announce(event: Event, conversation: Conversation | undefined, id: string): void {
  if (permission.value !== 'granted' || document.visibilityState === 'visible') return
  const what = wordsFor(event)
  if (what === undefined) return
  const body = conversation?.title ?? conversation?.cwd ?? ''
  const note = new Notification(what, { body, tag: id })
  note.addEventListener('click', () => {
    window.focus()
    go(addressOf(id))
    note.close()
  })
}

function wordsFor({ type, is_error: isError, tool_name: tool }: Event): string | undefined {
  if (type === 'tool_permission') return `Needs you: ${String(tool)}`
  if (type === 'result') return isError === true ? 'Failed' : 'Done'
  return undefined
}
