import { readFileSync } from 'node:fs'
import { ConfigError } from '../config.ts'

/** A variable of a file, and where it stands there. */
export interface FileVariable {
  readonly value: string
  readonly line: number
}

/**
 * Reads a file of `KEY=value` lines, as systemd's `EnvironmentFile` and shells do where they agree: blank lines and those
 * that begin with # do not count, `export` may stand before a name, quotes around a whole value go. A # within a value
 * belongs to it, since tokens hold some; behind a blank it begins a comment. The last of several lines counts. Undefined
 * when there is no such file.
 */
export function readEnvFile(file: string): ReadonlyMap<string, FileVariable> | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  const variables = new Map<string, FileVariable>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const [, name = '', rest = ''] = /^(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(trimmed) ?? []
    if (name === '') throw new ConfigError(`${file}:${index + 1} is not KEY=value: ${trimmed.slice(0, 40)}`)
    variables.set(name, { value: valueOf(rest), line: index + 1 })
  }
  return variables
}

function valueOf(text: string): string {
  const quote = text.charAt(0)
  const end = quote === '"' || quote === "'" ? text.indexOf(quote, 1) : 0
  if (end > 0 && /^(\s+#|\s*$)/.test(text.slice(end + 1))) return text.slice(1, end)
  const [plain = ''] = text.split(/\s#/, 1)
  return plain.trim()
}
