import { type SettingChange, settingsChangedEvent } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { conversationUnknown } from '../conversations.ts'
import type { EventLog } from '../log/log.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { Clock } from '../ports/outside.ts'
import type { Settings } from '../ports/settings.ts'
import type { Store } from '../ports/store.ts'
import { followed, inForce } from './rules.ts'
import { timestamp } from '../timestamp.ts'

export interface KeptSettingsDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  /** Names this start of the service. */
  readonly start: string
}

/** What settings become, and what there is to tell of it; nothing is stored where there is nothing to tell. */
export interface Next {
  readonly to: Settings
  readonly changes: readonly SettingChange[]
}

export type KeptSettings = ReturnType<typeof createKeptSettings>

/** The settings of conversations: what is kept of them, each change with the event that tells of it. */
export function createKeptSettings({ store, events, clock, start }: KeptSettingsDeps) {
  return {
    start,

    /** What holds now. */
    of: ({ settings = {} }: Conversation): Settings => inForce(settings, start),

    change,

    /** Forgets a mode without questions that was asked for before this start, and says so. */
    async forgetLapsed(conversation: Conversation): Promise<Conversation> {
      if (lapsedIn(conversation) === undefined) return conversation
      return change(
        conversation.id,
        (now) => {
          const from = lapsedIn(now)
          const changes =
            from === undefined ? [] : [{ setting: 'permission_mode', from, to: null, takes_effect: 'now' } as const]
          return { to: inForce(now.settings ?? {}, start), changes }
        },
        'service',
        'A mode in which nobody is asked does not outlive a restart of the service: it has to be asked for again.',
      )
    },

    /** The agent has changed its mode by itself. */
    async follow(id: ConversationId, from: string, to: string): Promise<void> {
      await change(
        id,
        ({ settings = {} }) => ({
          to: followed(settings, from, to),
          changes: [{ setting: 'permission_mode', from, to, takes_effect: 'now' }],
        }),
        'agent',
      )
    },
  }

  function lapsedIn({ settings = {} }: Conversation): string | undefined {
    const now = inForce(settings, start)
    return now.permissionMode === settings.permissionMode ? undefined : settings.permissionMode
  }

  /** Stores what `next` makes of them. It is asked again when somebody else was sooner. */
  async function change(
    id: ConversationId,
    next: (now: Conversation) => Next,
    by: string,
    content?: string,
  ): Promise<Conversation> {
    for (;;) {
      const now = await store.conversation(id)
      if (!now) throw conversationUnknown(id)
      const { to, changes } = next(now)
      if (changes.length === 0) return now
      const at = clock.now()
      const line = toLine(settingsChangedEvent(changes, by, timestamp(at), content))
      const changed = await events.changeSettings({ id, from: now.settings ?? {}, to, line, at })
      if (changed.status === 'changed') return changed.conversation
      if (changed.status === 'unknown') throw conversationUnknown(id)
    }
  }
}
