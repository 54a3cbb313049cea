import type { RunOptions } from '../ports.ts'

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
function allows(rule: string, tool: string, input: Record<string, unknown>): boolean {
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

// A second command behind an allowed one must not run with it.
const JOINS_COMMANDS = /[;&|<>`$()\n\\]/

function allowsCommand(pattern: string, command: string): boolean {
  const prefix = /^(.*?):?\*$/s.exec(pattern)?.[1]
  if (prefix === undefined) return command === pattern
  if (JOINS_COMMANDS.test(command)) return false
  return command === prefix || command.startsWith(prefix.endsWith(' ') ? prefix : `${prefix} `)
}
