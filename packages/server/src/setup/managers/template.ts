import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Place } from '../place.ts'
import type { Definition } from './manager.ts'

/**
 * Writes a file of the release's `deploy/` to where it belongs, with the words between double underscores filled in. Tells whether
 * that changed anything.
 */
export function writeTemplate(name: string, target: string, { place, release, user }: Definition): boolean {
  const text = fill(readFileSync(join(release, 'deploy', name), 'utf8'), place, user)
  if (existsSync(target) && readFileSync(target, 'utf8') === text) return false
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, text, { mode: 0o644 })
  return true
}

/** The paths were checked for what they may hold; a user's name also. */
export function fill(template: string, { installDir, dataDir, logDir, envFile, command }: Place, user: string): string {
  const words: Record<string, string> = {
    INSTALL_DIR: installDir,
    DATA_DIR: dataDir,
    LOG_DIR: logDir,
    ENV_FILE: envFile,
    BIN_DIR: dirname(command),
    USER: user,
  }
  return template.replaceAll(/__([A-Z_]+?)__/g, (whole, word: string) => words[word] ?? whole)
}
