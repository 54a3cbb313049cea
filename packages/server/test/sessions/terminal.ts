import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { agentTestEnvironment, type TestService } from '../support/service.ts'

/** The CLI that the SDK brings, as a person would run it. */
const CLI = findCli()

function findCli(): string {
  const sdk = realpathSync(join(import.meta.dirname, '../../../../node_modules/@anthropic-ai/claude-agent-sdk'))
  const found = ['', '-musl']
    .map((libc) => `${sdk}-${process.platform}-${process.arch}${libc}/claude`)
    .find((path) => existsSync(path))
  if (found === undefined) throw new Error('there is no Claude Code beside the SDK')
  return found
}

export interface Terminal {
  readonly session: string
  readonly child: ChildProcess
  /** What it said in the end; rejects when it failed. */
  readonly said: Promise<string>
}

/** Runs Claude Code in `cwd`, with the service's home, as if somebody had typed it into a terminal. */
export function inTerminal(service: TestService, cwd: string, prompt: string, session?: string): Terminal {
  const id = session ?? crypto.randomUUID()
  const args = ['-p', prompt, '--output-format', 'json', '--allowedTools', 'Bash,Write']
  const child = spawn(CLI, [...args, session === undefined ? '--session-id' : '--resume', id], {
    cwd,
    env: agentTestEnvironment(service.home, service.model?.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const said = once(child, 'close').then(() => String((JSON.parse(out) as { result: unknown }).result))
  said.catch(() => {})
  return { session: id, child, said }
}

/** Where Claude Code keeps the session. */
export function transcriptOf(service: TestService, cwd: string, session: string): string {
  const directory = join(service.home, '.claude/projects', cwd.replace(/[^a-zA-Z0-9]/g, '-'))
  mkdirSync(directory, { recursive: true })
  return join(directory, `${session}.jsonl`)
}

/** Waits until the process has said which session it has open. */
export async function hasOpened(service: TestService, { child }: Terminal): Promise<void> {
  const file = join(service.home, '.claude/sessions', `${child.pid}.json`)
  await expect
    .poll(() => existsSync(file) && readFileSync(file, 'utf8').includes('sessionId'), { timeout: 20_000 })
    .toBe(true)
}
