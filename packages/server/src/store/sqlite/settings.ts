import type { SettingsChange, SettingsChanged } from '../../core/ports/settings.ts'
import { settingsText } from '../../core/settings/rules.ts'
import { certain } from '../../core/certain.ts'
import { type ConversationReads, toConversation } from './conversations.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'

/** A change of settings, as it travels to the writer: its line cut into a piece. */
export interface SettingsToChange extends Omit<SettingsChange, 'line'> {
  readonly lines: readonly Piece[]
}

export function settingsOperations(db: Database, reads: ConversationReads, events: EventWrites) {
  const set = db.prepare('UPDATE conversation SET settings = ? WHERE c = ?')
  return {
    changeSettings({ id, from, to, lines, at }: SettingsToChange): SettingsChanged {
      const row = reads.byId(id)
      if (row === undefined) return { status: 'unknown' }
      if ((row.settings ?? NONE) !== settingsText(from)) return { status: 'stale', conversation: toConversation(row) }
      const { last } = events.append(row.c, lines, at)
      const text = settingsText(to)
      set.run(text === NONE ? null : text, row.c)
      const changed = certain(reads.byId(id), 'a conversation that was just changed')
      return { status: 'changed', conversation: toConversation(changed), number: last }
    },
  }
}

const NONE = settingsText({})
