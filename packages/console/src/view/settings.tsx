import type { Snapshot } from '@claude-proxy/client'
import { useState } from 'preact/hooks'
import { client, sentenceOf } from '../service.ts'
import { details } from '../session.ts'

const CHOICES = {
  model: ['opus', 'sonnet', 'haiku'],
  effort: ['low', 'medium', 'high', 'xhigh', 'max'],
  permission_mode: ['default', 'plan', 'acceptEdits'],
} as const
type Setting = keyof typeof CHOICES

/** What a conversation works with. The service says what it takes and from when on. */
export function Settings({ known }: { known: Snapshot }) {
  const [said, setSaid] = useState<string>()
  const set = (setting: Setting, value: string) => {
    client
      .changeConversation(known.conversation_id, { [setting]: value === '' ? null : value })
      .then(({ takes_effect: when, ...changed }) => {
        details.value = changed
        setSaid(when[setting] === 'next_run' ? 'Holds from the next run on.' : undefined)
      })
      .catch((error: unknown) => setSaid(sentenceOf(error)))
  }
  return (
    <details class="menu">
      <summary class="button quiet">Settings</summary>
      <div class="body">
        {(Object.keys(CHOICES) as Setting[]).map((setting) => {
          const { asked, in_use: used } = known[setting]
          const values = [...new Set([...CHOICES[setting], ...(asked === null ? [] : [asked])])]
          return (
            <label key={setting}>
              {setting.replace('_', ' ')}
              <select value={asked ?? ''} onChange={({ currentTarget }) => set(setting, currentTarget.value)}>
                <option value="">default{asked === null && typeof used === 'string' ? ` (${used})` : ''}</option>
                {values.map((value) => (
                  <option key={value} value={value}>
                    {value}
                  </option>
                ))}
              </select>
            </label>
          )
        })}
        {said !== undefined && <p role="status">{said}</p>}
      </div>
    </details>
  )
}
