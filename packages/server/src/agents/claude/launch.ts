import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createHash, randomUUID } from 'node:crypto'
import type { McpServerConfig, Options } from '@anthropic-ai/claude-agent-sdk'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { RunOptions } from '../../core/ports/run.ts'
import { type Environment, pinnedVariables, readUserSettings } from './environment.ts'
import { findFolderSettings, readMcpServers } from './folder-settings.ts'
import type { Tuning } from './tuner.ts'

export interface LaunchContext {
  readonly environment: Environment
  /** Folders whose own settings are loaded. */
  readonly trusts: (folder: Folder) => boolean
  /** A directory of ours for what the agent is started with. */
  readonly directory: string
  /** Whether agents tell what they are about to say, piece by piece. */
  readonly showsPartials: boolean
}

/** Everything a process is started with, apart from its session. */
export interface Launch {
  readonly options: Options
  /** Whether MCP servers may ask the person. */
  readonly elicits: boolean
  /** What can be changed while the process lives. */
  readonly tuning: Tuning
  /** Equal fingerprints: a process started with the one can take the other's prompts. */
  readonly fingerprint: string
  /** What the folder holds and was not loaded. */
  readonly notLoaded: readonly string[]
}

/**
 * Tools that ask a person in a form of their own, and the kind of it. Contract clients can only allow or deny, so the
 * agent is offered them only when the client says that it can answer.
 */
const NEEDS_ANSWERS = { AskUserQuestion: 'question', EnterPlanMode: 'plan', ExitPlanMode: 'plan' } as const

/** What to start Claude Code with for a run with `asked` options in `folder`. */
export async function prepareLaunch(asked: RunOptions, folder: Folder, context: LaunchContext): Promise<Launch> {
  await expectUnmoved(folder)
  const trusted = context.trusts(folder)
  const { model, effort, permissionMode = 'default' } = asked
  const lasting: Options = {
    cwd: folder,
    env: { ...context.environment },
    disallowedTools: Object.entries(NEEDS_ANSWERS).flatMap(([tool, kind]) =>
      asked.canAnswer?.includes(kind) ? [] : [tool],
    ),
    mcpServersDelivery: 'initialize',
    // Costs a copy of each file that the agent edits; starts and turns take no longer.
    enableFileCheckpointing: true,
    // An interrupt stops the turn, not the work in the background.
    perTaskStopAffordance: true,
    includePartialMessages: context.showsPartials,
    ...(asked.systemPrompt !== undefined && { systemPrompt: asked.systemPrompt }),
    ...(asked.maxBudgetUsd !== undefined && { maxBudgetUsd: asked.maxBudgetUsd }),
    ...(asked.maxTurns ? { maxTurns: asked.maxTurns } : {}),
    ...(trusted ? await trustedOptions(asked, folder, context) : await strangerOptions(asked, context)),
  }
  const elicits = asked.canAnswer?.includes('elicitation') === true
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([lasting, elicits]))
    // Claude Code counts from the beginning of its process: a run with a budget gets one of its own.
    .update(asked.maxBudgetUsd === undefined ? '' : randomUUID())
    .digest('hex')
  const tuning = { permissionMode, ...(model !== undefined && { model }), ...(effort !== undefined && { effort }) }
  // Without a permission mode, it may be one in which a classifier approves.
  const options = { ...lasting, ...tuning }
  return { options, tuning, elicits, fingerprint, notLoaded: trusted ? [] : await findFolderSettings(folder) }
}

/** Throws when somebody has put a link in the place of the folder since it was checked: it could lead out of the roots. */
export async function expectUnmoved(folder: Folder): Promise<void> {
  const now = await realpath(folder).catch(() => undefined)
  if (now === folder) return
  throw new AppError('bad_request', `The folder ${folder} is no longer there, or leads elsewhere.`)
}

/**
 * A folder is a stranger: its settings can run code and send our key elsewhere. With `projectConfigRoot` elsewhere,
 * its hooks, servers, helpers and variables are not loaded; `CLAUDE.md`, which is text, is.
 */
async function strangerOptions(asked: RunOptions, context: LaunchContext): Promise<Partial<Options>> {
  const empty = join(context.directory, 'no-settings')
  await mkdir(empty, { recursive: true, mode: 0o700 })
  return {
    settingSources: ['project'],
    projectConfigRoot: empty,
    strictMcpConfig: true,
    ...(isServers(asked.mcpServers) && { mcpServers: asked.mcpServers }),
  }
}

/** A folder below a trusted root: its settings apply, but not to where requests go and whose key they carry. */
async function trustedOptions(asked: RunOptions, folder: Folder, context: LaunchContext): Promise<Partial<Options>> {
  const servers =
    typeof asked.mcpServers === 'string' ? await readMcpServers(resolve(folder, asked.mcpServers)) : asked.mcpServers
  const ownServers = servers ?? (await readMcpServers(join(folder, '.claude/mcp.json')).catch(() => undefined))
  return {
    settingSources: [...(asked.settingSources ?? ['user', 'project'])],
    settings: await pinnedSettings(asked, folder, context),
    ...(isServers(ownServers) && { mcpServers: ownServers }),
  }
}

/** Settings that outrank the folder's. In a file, since they hold the key: a command line is everybody's to read. */
async function pinnedSettings(asked: RunOptions, folder: Folder, context: LaunchContext): Promise<string> {
  const own = await readSettings(asked.settings, folder)
  const user = await readUserSettings(context.environment)
  const settings = JSON.stringify({
    ...own,
    env: { ...(typeof own['env'] === 'object' ? own['env'] : {}), ...pinnedVariables(context.environment) },
    // An empty helper is none: a folder's helper would both run and replace the key.
    apiKeyHelper: typeof user?.['apiKeyHelper'] === 'string' ? user['apiKeyHelper'] : '',
  })
  const directory = join(context.directory, 'settings')
  const file = join(directory, `${createHash('sha256').update(settings).digest('hex').slice(0, 16)}.json`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(file, settings, { mode: 0o600 })
  return file
}

/** Settings as the request gives them: an object, its JSON, or the path of a file. */
async function readSettings(settings: RunOptions['settings'], folder: Folder): Promise<Record<string, unknown>> {
  if (settings === undefined || typeof settings === 'object') return { ...settings }
  try {
    const json = settings.trimStart().startsWith('{') ? settings : await readFile(resolve(folder, settings), 'utf8')
    return { ...(JSON.parse(json) as object) }
  } catch (cause) {
    throw new AppError('bad_request', 'settings is neither a JSON object nor the path of one.', {}, { cause })
  }
}

function isServers(servers: RunOptions['mcpServers']): servers is Record<string, McpServerConfig> {
  return typeof servers === 'object'
}
