import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventPayload } from '@claude-proxy/protocol/events'
import { AppError } from '@claude-proxy/protocol/errors'

/** What a folder can hold that would run code, or redirect the agent, if it were loaded. */
const FILES = [
  '.claude/settings.json',
  '.claude/settings.local.json',
  '.claude/mcp.json',
  '.claude/skills',
  '.claude/agents',
  '.claude/commands',
  '.mcp.json',
]

/** Which of its own settings, servers and skills `folder` holds. */
export async function findFolderSettings(folder: string): Promise<string[]> {
  const found = await Promise.all(
    FILES.map((file) =>
      access(join(folder, file)).then(
        () => file,
        () => undefined,
      ),
    ),
  )
  return found.filter((file) => file !== undefined)
}

/** Says in the transcript what was left alone, and what changes it. */
export function notLoadedEvent(files: readonly string[], timestamp: string): EventPayload {
  return {
    type: 'system',
    subtype: 'folder_settings_not_loaded',
    files,
    option: 'CLAUDE_PROXY_TRUSTED_ROOTS',
    content: `Not loaded from this folder: ${files.join(', ')}. The operator can trust it with CLAUDE_PROXY_TRUSTED_ROOTS.`,
    timestamp,
  }
}

/** The servers that an MCP configuration file names. */
export async function readMcpServers(path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    const servers = typeof value === 'object' && value !== null && 'mcpServers' in value ? value.mcpServers : undefined
    if (typeof servers === 'object' && servers !== null) return { ...servers }
  } catch (cause) {
    throw new AppError('bad_request', `mcp_servers cannot be read from ${path}.`, {}, { cause })
  }
  throw new AppError('bad_request', `${path} holds no mcpServers.`)
}
