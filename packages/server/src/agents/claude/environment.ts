import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Environment = Readonly<Record<string, string>>

/** What the agent needs of the service's environment. Everything else stays here: it may hold other people's secrets. */
const PASSED_ON = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|TZ|TERM|TMPDIR|SSH_AUTH_SOCK)$/,
  /^LC_[A-Z]+$/,
  /^XDG_[A-Z_]+$/,
  /^(https?|HTTPS?|all|ALL|no|NO)_(proxy|PROXY)$/,
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/,
  /^ANTHROPIC_[A-Z0-9_]+$/,
  /^API_TIMEOUT_MS$/,
  /^CLAUDE_CONFIG_DIR$/,
  /^CLAUDE_CODE_(OAUTH_TOKEN|DISABLE_NONESSENTIAL_TRAFFIC|MAX_RETRIES|MAX_OUTPUT_TOKENS|USE_[A-Z]+|SKIP_[A-Z]+_AUTH|TMPDIR|SUBAGENT_MODEL)$/,
  /^(MAX_THINKING_TOKENS|MAX_MCP_OUTPUT_TOKENS|MCP_TIMEOUT|MCP_TOOL_TIMEOUT|BASH_DEFAULT_TIMEOUT_MS|BASH_MAX_TIMEOUT_MS|IS_SANDBOX)$/,
  /^AWS_[A-Z0-9_]+$/,
  /^(GOOGLE_[A-Z0-9_]+|CLOUD_ML_REGION|VERTEX_[A-Z0-9_]+)$/,
]

/** The agent's environment, built from nothing. `more` are further names that the operator lets through. */
export function agentEnvironment(source: NodeJS.ProcessEnv, more: readonly string[]): Environment {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(source)) {
    const isOurs = name.startsWith('CLAUDE_PROXY_') // among them the token, which answers the agent's own questions
    const isPassedOn = more.includes(name) || PASSED_ON.some((names) => names.test(name))
    if (value !== undefined && isPassedOn && !isOurs) environment[name] = value
  }
  return {
    ...environment,
    // The authoritative end of a turn, and failures at the start as a result instead of an exit code.
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
    CLAUDE_CODE_STARTUP_FAILURE_RESULTS: '1',
    CLAUDE_AGENT_SDK_CLIENT_APP: 'claude-proxy',
    DISABLE_AUTOUPDATER: '1',
  }
}

/**
 * What decides where requests go and whose key they carry. In a trusted folder its settings may set environment
 * variables; these keep the operator's value, or stay empty.
 */
const PINNED = [
  'ANTHROPIC_BASE_URL',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'ANTHROPIC_CUSTOM_HEADERS',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
  'CLAUDE_CODE_USE_FOUNDRY',
  'ANTHROPIC_BEDROCK_BASE_URL',
  'ANTHROPIC_VERTEX_BASE_URL',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'SSL_CERT_FILE',
]

/** The variables that no folder may change, with their values. */
export function pinnedVariables(environment: Environment): Record<string, string> {
  return Object.fromEntries(PINNED.map((name) => [name, environment[name] ?? '']))
}

/** Said at start and answered to runs when there is nothing to log in with. */
export const NO_CREDENTIALS =
  'Claude Code has no credentials: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) for this service, or log in once with `claude` as the user it runs as.'

/** Whether Claude Code has something to log in with. What it is worth, only the API can tell. */
export async function hasCredentials(environment: Environment, platform: NodeJS.Platform): Promise<boolean> {
  const named = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN']
  if (named.some((name) => environment[name])) return true
  if (Object.keys(environment).some((name) => name.startsWith('CLAUDE_CODE_USE_'))) return true
  // A login lives in the Keychain there, out of our sight.
  if (platform === 'darwin') return true
  const directory = configDirectory(environment)
  const files = await Promise.all([
    readJson(join(directory, '.credentials.json')),
    readUserSettings(environment),
    readJson(globalConfig(environment)),
  ])
  const [login, settings, config] = files
  return (
    login !== undefined ||
    typeof settings?.['apiKeyHelper'] === 'string' ||
    typeof config?.['primaryApiKey'] === 'string'
  )
}

/** The person's own settings file, if there is one. */
export function readUserSettings(environment: Environment): Promise<Record<string, unknown> | undefined> {
  return readJson(join(configDirectory(environment), 'settings.json'))
}

/** Where Claude Code keeps what it keeps. */
export function configDirectory(environment: Environment): string {
  return environment['CLAUDE_CONFIG_DIR'] ?? join(environment['HOME'] ?? '/', '.claude')
}

function globalConfig(environment: Environment): string {
  const directory = environment['CLAUDE_CONFIG_DIR']
  return directory ? join(directory, '.claude.json') : join(environment['HOME'] ?? '/', '.claude.json')
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // Missing, unreadable or not JSON: for our question all the same.
    return undefined
  }
}
