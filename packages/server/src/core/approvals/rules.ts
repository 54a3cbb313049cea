import type { PermissionRequest } from '../ports/agent.ts'
import type { RunOptions } from '../ports/run.ts'

export type Verdict = 'allow' | 'deny' | 'ask'

type Rules = Pick<RunOptions, 'allowedTools' | 'toolApprovals'>

/**
 * What the client's lists say of a tool call. With `tool_approvals` they alone decide: deny `*`, allow `*`, deny list,
 * allow list, else ask. Without them, the tools named in `allowed_tools` run unasked (PROTOCOL.md section 7).
 */
export function verdict(rules: Rules, tool: string, input: Record<string, unknown>): Verdict {
  const approvals = rules.toolApprovals
  if (!approvals) return rules.allowedTools?.some((rule) => allows(rule, tool, input)) ? 'allow' : 'ask'
  const [allow, deny] = [approvals.allow.map(plain), approvals.deny.map(plain)]
  if (deny.includes('*')) return 'deny'
  if (allow.includes('*')) return 'allow'
  if (deny.includes(plain(tool))) return 'deny'
  return allow.includes(plain(tool)) ? 'allow' : 'ask'
}

/** Tools that got another name since the original's clients wrote their lists. */
const RENAMED: Record<string, string> = { task: 'agent' }

function plain(name: string): string {
  const lower = name.trim().toLowerCase()
  return RENAMED[lower] ?? lower
}

/** `Name`, `mcp__server` for all its tools, or `Bash(command)` / `Bash(prefix:*)`. Any other form allows nothing. */
function allows(rule: string, tool: string, input: Readonly<Record<string, unknown>>): boolean {
  const [, name = '', pattern] = /^([^()]+)(?:\((.*)\))?$/s.exec(rule.trim()) ?? []
  if (pattern !== undefined && pattern !== '*') {
    const command = input['command']
    return (
      plain(name) === 'bash' && plain(tool) === 'bash' && typeof command === 'string' && allowsCommand(pattern, command)
    )
  }
  if (plain(name) === plain(tool)) return true
  const server = /^mcp__((?:(?!__).)+)(?:__\*)?$/.exec(name.trim())?.[1]
  return server !== undefined && tool.startsWith(`mcp__${server}__`)
}

/** Whether a rule that a person has kept allows this call: the forms above, and those of files and addresses. */
export function matches(rule: string, tool: string, input: Readonly<Record<string, unknown>>): boolean {
  if (allows(rule, tool, input)) return true
  const [, name = '', pattern = ''] = /^([^()]+)\((.*)\)$/s.exec(rule.trim()) ?? []
  if (plain(name) !== plain(tool)) return false
  const path = input['file_path'] ?? input['notebook_path'] ?? input['path']
  if (typeof path === 'string') return allowsPath(pattern, path)
  const host = hostOf(input['url'])
  return host !== undefined && pattern === `domain:${host}`
}

/**
 * What "always allow" would keep: the agent's own suggestion where it means this call and no setting besides, else this
 * very command, file or address. Empty where there is nothing of the kind.
 */
export function rulesFor({ kind, tool, input, suggestions, isRememberable }: PermissionRequest): string[] {
  if (kind !== 'tool' || !isRememberable) return []
  const suggested = suggestions.flatMap((suggestion) => suggestedRules(suggestion))
  const fitting = suggested.find((rule) => matches(rule, tool, input))
  const own = ownRule(tool, input)
  const chosen = fitting ?? (own !== undefined && matches(own, tool, input) ? own : undefined)
  return chosen === undefined ? [] : [chosen]
}

function suggestedRules(suggestion: string): string[] {
  const {
    type,
    behavior,
    rules,
  }: { type?: string; behavior?: string; rules?: { toolName: string; ruleContent?: string }[] } = JSON.parse(suggestion)
  if (type !== 'addRules' || behavior !== 'allow' || !Array.isArray(rules)) return []
  return rules.map(({ toolName, ruleContent }) =>
    ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`,
  )
}

function ownRule(tool: string, input: Readonly<Record<string, unknown>>): string | undefined {
  const { command, file_path: file, url } = input
  // A star at its end would mean more than this command.
  if (typeof command === 'string') return command.endsWith('*') ? undefined : `${tool}(${command})`
  if (typeof file === 'string') return file.endsWith('*') ? undefined : `${tool}(${file})`
  const host = hostOf(url)
  if (host !== undefined) return `${tool}(domain:${host})`
  return tool.startsWith('mcp__') ? tool : undefined
}

/** `/a/b` is that file; `/a/**` is what lies below. Claude Code writes absolute paths with two slashes. */
function allowsPath(pattern: string, path: string): boolean {
  const wanted = pattern.replace(/^\/\//, '/')
  const below = /^(.*)\/\*\*$/s.exec(wanted)?.[1]
  if (path.split('/').includes('..')) return false
  return below === undefined ? path === wanted : path.startsWith(`${below}/`)
}

/** What names no host has none: one rule would hold for all of it. */
function hostOf(url: unknown): string | undefined {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).hostname || undefined : undefined
}

// A second command behind an allowed one must not run with it.
const JOINS_COMMANDS = /[;&|<>`$()\n\\]/

function allowsCommand(pattern: string, command: string): boolean {
  const prefix = /^(.*?):?\*$/s.exec(pattern)?.[1]
  if (prefix === undefined) return command === pattern
  if (JOINS_COMMANDS.test(command)) return false
  return command === prefix || command.startsWith(prefix.endsWith(' ') ? prefix : `${prefix} `)
}
