import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { TestService } from '../support/service.ts'

export const MAIN = join(import.meta.dirname, '../../src/main.js')

/** A command at a service, in a folder, with nothing of this machine's environment. */
export interface Surroundings {
  readonly service: TestService
  readonly cwd: string
  readonly input?: string
  readonly environment?: Record<string, string>
}

export interface Started {
  readonly child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  readonly exit: Promise<number | null>
}

/** Starts the program with its output in pipes. It ends with the test at the latest. */
export function start(args: readonly string[], { service, cwd, input, environment = {} }: Surroundings): Started {
  const env = { ...environmentAt(service), ...environment }
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  const exit = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return {
    child,
    exit,
    get stdout() {
      return said.stdout
    },
    get stderr() {
      return said.stderr
    },
  }
}

export async function runToEnd(args: readonly string[], surroundings: Surroundings) {
  const started = start(args, surroundings)
  const code = await started.exit
  return { code, stdout: started.stdout, stderr: started.stderr }
}

export function environmentAt(service: TestService): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: service.home, CLAUDE_PROXY_URL: service.base }
}
