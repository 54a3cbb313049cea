import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, call } from '../support/client.ts'
import type { TestService } from '../support/service.ts'

/** Git and its repositories, as these tests have them, whatever this machine's settings are. */

export const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
}

export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    env: ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  })
}

type Door = 'status' | 'diff' | 'log'
export const DOORS: Door[] = ['status', 'diff', 'log']
export const ask = (service: { readonly base: string }, door: Door, cwd: string, more = ''): Promise<Answer> =>
  call(`${service.base}/v1/git/${door}?cwd=${encodeURIComponent(cwd)}${more}`)

/** With one file in one commit. */
export function repository(service: TestService, name?: string): string {
  const cwd = service.folder(name)
  git(cwd, 'init', '-q', '-b', 'main')
  writeFileSync(join(cwd, 'file'), 'one\n')
  git(cwd, 'add', '.')
  git(cwd, 'commit', '-qm', 'Begin')
  return cwd
}
