import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import { type FolderRules, isBelow } from '../folders.ts'
import { isUnasked } from '../settings/rules.ts'
import type { RunOptions } from '../ports/run.ts'

/** Refuses what the operator does not let clients ask for. Harmless values of the same options pass. */
export function checkOptions(
  options: RunOptions,
  folder: Folder,
  rules: FolderRules & { readonly allowBypass: boolean },
): void {
  const { permissionMode } = options
  if (isUnasked(permissionMode) && !rules.allowBypass) {
    throw new AppError(
      'bad_request',
      `permission_mode ${permissionMode} is not allowed here. The operator can allow it with CLAUDE_PROXY_ALLOW_BYPASS.`,
    )
  }
  if (isBelow(folder, rules.trustedRoots)) return
  const refused = needsTrust(options)
  if (refused === undefined) return
  throw new AppError(
    'bad_request',
    `${refused} needs a trusted folder. The operator can trust this one with CLAUDE_PROXY_TRUSTED_ROOTS.`,
  )
}

/** Whether the agent would do something unasked, which it would have asked a person for. */
export function decidesBeforehand(options: RunOptions): boolean {
  const { allowedTools = [], toolApprovals, permissionMode } = options
  const isAllowed = allowedTools.length > 0 || (toolApprovals?.allow.length ?? 0) > 0
  return isAllowed || !isAsking(permissionMode) || needsTrust(options) !== undefined
}

/** Whether somebody may give words of theirs to what these options go with: they would be done as unasked as the rest. */
export function mayLead({ mayDecide = false }: { readonly mayDecide?: boolean }, { options }: Optioned): boolean {
  return mayDecide || !decidesBeforehand(options)
}

interface Optioned {
  readonly options: RunOptions
}

/** Whether somebody is asked in this mode, or the answer is no. */
export function isAsking(mode: RunOptions['permissionMode'] | null): boolean {
  return mode === undefined || mode === null || ['default', 'plan', 'dontAsk'].includes(mode)
}

/** What can run code or change where the key is sent. Ignored in silence, a caller would count on it. */
export function needsTrust({ settings, settingSources = [], mcpServers = {} }: RunOptions): string | undefined {
  if (settings !== undefined) return 'settings'
  if (settingSources.length > 0) return 'setting_sources'
  if (typeof mcpServers === 'string') return 'a path as mcp_servers'
  const isCommand = Object.values(mcpServers).some((server) => isObject(server) && 'command' in server)
  return isCommand ? 'a command in mcp_servers' : undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
