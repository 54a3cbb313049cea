import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import { type FolderRules, isBelow } from '../folders.ts'
import type { RunOptions } from '../ports.ts'

/** Refuses what the operator does not let clients ask for. */
export function checkOptions(
  options: RunOptions,
  folder: Folder,
  rules: FolderRules & { readonly allowBypass: boolean },
): void {
  const { permissionMode } = options
  if ((permissionMode === 'bypassPermissions' || permissionMode === 'auto') && !rules.allowBypass) {
    throw new AppError(
      'bad_request',
      `permission_mode ${permissionMode} is not allowed here. The operator can allow it with CLAUDE_PROXY_ALLOW_BYPASS.`,
    )
  }
  if (isBelow(folder, rules.trustedRoots)) return
  // Either can run code and change where the key is sent; ignored in silence, a caller would count on it.
  const refused =
    options.settings !== undefined
      ? 'settings'
      : typeof options.mcpServers === 'string'
        ? 'a path as mcp_servers'
        : undefined
  if (refused === undefined) return
  throw new AppError(
    'bad_request',
    `${refused} needs a trusted folder. The operator can trust this one with CLAUDE_PROXY_TRUSTED_ROOTS.`,
  )
}
