import type { Asked } from './answer.ts'

/** In the place of an answer: that it comes, or why it does not. */
export function NotThere({ asked }: { asked: Exclude<Asked<unknown>, { is: 'there' }> }) {
  if (asked.is === 'coming') return <p class="empty">Loading…</p>
  return (
    <p class="empty error" role="alert">
      {asked.why}
    </p>
  )
}
