import type { SettingsChange, SettingsChanged } from '../../core/ports/settings.ts'
import { settingsText } from '../../core/settings/rules.ts'
import { change } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
import type { State } from './state.ts'

export function changeSettings(state: State, { id, from, to, line, at }: SettingsChange): SettingsChanged {
  checkLines([line])
  const known = state.conversations.get(id)
  if (known === undefined) return { status: 'unknown' }
  if (settingsText(known.settings ?? {}) !== settingsText(from)) return { status: 'stale', conversation: known }
  const { last } = appendEvents(state, id, [line], at)
  const isEmpty = settingsText(to) === settingsText({})
  return { status: 'changed', conversation: change(state, id, { settings: isEmpty ? undefined : to }), number: last }
}
