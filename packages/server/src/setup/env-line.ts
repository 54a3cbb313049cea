import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readEnvFile } from '../cli/env-file.ts'

/** Makes sure that there is a file for variables, which root alone can read. What is in it stays as it is. */
export function ensureEnvFile(file: string): void {
  if (!existsSync(file)) replace(file, HEAD)
}

/** Adds a variable, unless the file has it. Tells whether it did. Lines and comments of others stay as they are. */
export function addVariable(file: string, name: string, value: string): boolean {
  if (readEnvFile(file)?.has(name)) return false
  const text = readFileSync(file, 'utf8')
  replace(file, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${name}=${value}\n`)
  return true
}

/** Whole or not at all, and never readable by others, not even for a moment. */
function replace(file: string, text: string): void {
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true })
  renameSync(fresh, file)
}

const HEAD = `# Variables of claude-proxy and of its agents: KEY=value lines. \`claude-proxy --help\` lists them.
# After a change: claude-proxy service restart
`
