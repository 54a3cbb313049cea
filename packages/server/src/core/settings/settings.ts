import type { SettingChange } from '@claude-proxy/protocol/events'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { conversationUnknown } from '../conversations.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { Log } from '../ports/outside.ts'
import type { RunOptions } from '../ports/run.ts'
import type { Adjustments, SettingName } from '../ports/settings.ts'
import type { Store } from '../ports/store.ts'
import type { Host } from '../runs/host.ts'
import type { KeptSettings } from './keep.ts'
import { adjusted, SETTINGS } from './rules.ts'

export interface SettingsDeps {
  readonly store: Store
  readonly kept: KeptSettings
  readonly host: Host
  readonly log: Log
  /** Refuses what this operator does not let clients ask for. */
  readonly check: (options: RunOptions, folder: Folder) => void
}

export type TakesEffect = SettingChange['takes_effect']

/** The conversation, and since when each setting that was given holds. */
export interface ChangedSettings {
  readonly conversation: Conversation
  readonly takesEffect: { readonly [Name in SettingName]?: TakesEffect }
}

export type ChangeSettings = ReturnType<typeof createChangeSettings>

/**
 * What a client may change of a conversation while it lives. The process that is alive is asked first: what it does not
 * take is refused, and nothing is stored. What cannot be stored is taken back from it.
 */
export function createChangeSettings({ store, kept, host, log, check }: SettingsDeps) {
  return async function changeSettings(id: ConversationId, wanted: Adjustments, by: string): Promise<ChangedSettings> {
    const known = await store.conversation(id)
    if (!known) throw conversationUnknown(id)
    check(wanted.permissionMode ? { permissionMode: wanted.permissionMode } : {}, known.folder)
    const conversation = await kept.forgetLapsed(known)
    const { taken, facts, before, wasUnderWay } = await host.adjust(conversation, wanted)
    const given = SETTINGS.filter((name) => wanted[name] !== undefined)
    const effects = given.map((name) => [name, wasUnderWay && taken.includes(name) ? 'now' : 'next_run'] as const)
    const takesEffect: ChangedSettings['takesEffect'] = Object.fromEntries(effects)
    try {
      const stored = await kept.change(
        id,
        (now) => {
          const from = kept.of(now)
          const changes = given.flatMap((name): SettingChange[] => {
            const isNow = takesEffect[name] === 'now'
            const [set, to] = [from[name] ?? null, wanted[name] ?? null]
            // The run may have begun with another, or the agent may have left it.
            const old = isNow ? (before[name] ?? null) : set
            if (set === to && isSame(name, old, to)) return []
            return [{ setting: WIRE[name], from: old, to, takes_effect: isNow ? 'now' : 'next_run' }]
          })
          return { to: adjusted(from, wanted, kept.start), changes }
        },
        by,
      )
      host.noteFacts(stored, facts)
      return { conversation: stored, takesEffect }
    } catch (error) {
      await host.adjust(conversation, before).catch((cause: unknown) => {
        log.error('what could not be stored could not be taken back from the agent', { conversation: id, error: cause })
      })
      throw error
    }
  }
}

function isSame(name: SettingName, a: string | null, b: string | null): boolean {
  const usual = name === 'permissionMode' ? 'default' : null
  return (a ?? usual) === (b ?? usual)
}

/** What the settings are called outside. */
export const WIRE = { model: 'model', effort: 'effort', permissionMode: 'permission_mode' } as const satisfies Record<
  SettingName,
  SettingChange['setting']
>
