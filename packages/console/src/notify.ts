import { type AgentEvent, isEvent } from '@claude-proxy/client'
import { signal } from '@preact/signals'
import type { Conversation } from './conversations.ts'
import { addressOf, go } from './route.ts'

const canAsk = 'Notification' in window

/** Whether the person has been asked, and what they said. */
export const permission = signal(canAsk ? Notification.permission : 'denied')

export async function askToNotify(): Promise<void> {
  permission.value = await Notification.requestPermission()
}

/** Says aloud what somebody wants to know who looks elsewhere. */
export function announce(event: AgentEvent, conversation: Conversation | undefined, id: string): void {
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

function wordsFor(event: AgentEvent): string | undefined {
  if (isEvent(event, 'tool_permission')) return `Needs you: ${event.tool_name}`
  if (isEvent(event, 'result')) return event.is_error ? 'Failed' : 'Done'
  return undefined
}
