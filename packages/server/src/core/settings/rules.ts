import type { RunOptions } from '../ports/run.ts'
import type { Adjustments, SettingName, Settings } from '../ports/settings.ts'

export const SETTINGS: readonly SettingName[] = ['model', 'effort', 'permissionMode']

export type PermissionMode = NonNullable<RunOptions['permissionMode']>

/** Whether nobody is asked in this mode. It does not come back by itself when the service starts again. */
export function isUnasked(mode: string | undefined): boolean {
  return mode === 'bypassPermissions' || mode === 'auto'
}

/** What they hold in this start of the service. */
export function inForce({ start: asked, ...settings }: Settings, start: string): Settings {
  if (!isUnasked(settings.permissionMode)) return settings
  if (asked === start) return { ...settings, start }
  const { permissionMode: _, ...rest } = settings
  return rest
}

/** The settings once these adjustments are made. */
export function adjusted(settings: Settings, changes: Adjustments, start: string): Settings {
  const { start: _, ...known } = settings
  const all = Object.entries({ ...known, ...changes }).filter(([, value]) => value !== null)
  const next: Settings = Object.fromEntries(all)
  return isUnasked(next.permissionMode) ? { ...next, start } : next
}

/**
 * The settings once the agent has changed its mode by itself, from a plan to work, say: they follow it where it left
 * the mode that they asked for. Nobody chose a mode without questions by that.
 */
export function followed(settings: Settings, from: string, to: string): Settings {
  if ((settings.permissionMode ?? 'default') !== from || !isPermissionMode(to) || isUnasked(to)) return settings
  const { permissionMode: _, start: __, ...rest } = settings
  return to === 'default' ? rest : { ...rest, permissionMode: to }
}

/** The options of a run that begins under these settings: its own win. */
export function optionsUnder({ start: _start, ...settings }: Settings, options: RunOptions): RunOptions {
  return { ...settings, ...options }
}

/** Equal texts: equal settings. */
export function settingsText({ model, effort, permissionMode, start }: Settings): string {
  return JSON.stringify({ model, effort, permissionMode, start })
}

function isPermissionMode(mode: string): mode is PermissionMode {
  return ['default', 'acceptEdits', 'plan', 'dontAsk', 'auto', 'bypassPermissions'].includes(mode)
}
