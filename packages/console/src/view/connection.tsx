import { connection } from '../conversations.ts'

const WORDS: Readonly<Record<typeof connection.value, string>> = {
  live: 'Live',
  connecting: 'Connecting…',
  waiting: 'No connection. What you see may be old.',
  ended: 'Not connected',
}

/** Whether what is on the page is what there is. */
export function ConnectionLight() {
  const state = connection.value
  return (
    <span class={`connection ${state}`} role="status">
      {WORDS[state]}
    </span>
  )
}
