import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { startScriptedModel } from '@claude-proxy/scripted-model/model'
import { agentTestEnvironment } from '../support/service.ts'

const MAIN = join(import.meta.dirname, '../../src/main.js')

/** How long a condition may take to come true on a busy machine. */
export const PATIENCE = { timeout: 30_000, interval: 20 }

/** A data directory, a home and folders to work in, gone with the test. */
export interface World {
  readonly dataDir: string
  readonly environment: Record<string, string>
  folder(name: string): string
}

/** What a program needs to run with the real agent (`model`) or without. */
export async function newWorld({ model = false } = {}): Promise<World> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-e2e-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
  const home = join(root, 'home')
  mkdirSync(home)
  const scripted = model ? await startScriptedModel() : undefined
  if (scripted) onTestFinished(() => scripted.close())
  return {
    dataDir: join(root, 'data'),
    environment: { ...agentTestEnvironment(home, scripted?.url), TMPDIR: root },
    folder(name) {
      const path = join(root, 'work', name)
      mkdirSync(path, { recursive: true })
      return path
    },
  }
}

export interface Program {
  readonly base: string
  readonly pid: number
  /** What it has written to stderr. */
  readonly stderr: string
  /** How it ended: its exit code and the signal that ended it. */
  readonly exit: Promise<[code: number | null, signal: NodeJS.Signals | null]>
  signal(signal: NodeJS.Signals): void
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts the program on a free port and waits until it says where it listens. It ends with the test at the latest. */
export async function startProgram(world: World, args: readonly string[] = []): Promise<Program> {
  const started = run(world, ['--port', '0', '--data-dir', world.dataDir, ...args])
  const { child, exit } = started
  await expect.poll(() => /listening on https?:/.test(started.stdout) || child.exitCode !== null, PATIENCE).toBe(true)
  const base = /listening on (https?:\/\/[^\s,]+)/.exec(started.stdout)?.[1]
  if (base === undefined || child.pid === undefined) throw new Error(`it has not started: ${started.stderr}`)
  const program = {
    base,
    pid: child.pid,
    get stderr() {
      return started.stderr
    },
    exit,
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
  return program
}

/** Runs the program to its end, as somebody does who has made a mistake. */
export async function runToEnd(
  world: World,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const started = run(world, args)
  const [code] = await started.exit
  return { code, stdout: started.stdout, stderr: started.stderr }
}

function run(world: World, args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: world.environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  const exit = once(child, 'close') as Program['exit']
  onTestFinished(() => end(child, exit))
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

/** In order first, so that its agents end with it. */
async function end(child: ChildProcess, exit: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 11_000)
  await exit
  clearTimeout(timer)
}

export interface Descendant {
  readonly pid: number
  readonly parent: number
  /** Together with the pid this is one process and no other. */
  readonly startedAt: string
  readonly command: string
}

/** All that the process has begun, directly or not; zombies do not count. */
export function descendants(pid: number): Descendant[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (look(Number(name)) ?? []) : []))
  const found = all.filter(({ parent }) => parent === pid)
  for (const each of found) found.push(...all.filter(({ parent }) => parent === each.pid))
  return found
}

/** The Claude Code processes that the program has begun. */
export function agents(program: Program): Descendant[] {
  return descendants(program.pid).filter(({ parent }) => parent === program.pid)
}

/** Which of the processes are still alive. */
export function stillAlive(processes: readonly Descendant[]): Descendant[] {
  return processes.filter(({ pid, startedAt }) => look(pid)?.startedAt === startedAt)
}

function look(pid: number): Descendant | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return state === 'Z' ? undefined : { pid, parent: Number(parent), startedAt: rest[17] ?? '', command }
  } catch {
    // Gone while we looked.
    return undefined
  }
}

/** Starts the program and kills it (-9) as soon as `isTime`. False when it was through by then. */
export async function startToKill(world: World, args: readonly string[], isTime: () => boolean): Promise<boolean> {
  const { child, exit } = run(world, args)
  while (child.exitCode === null && !isTime()) await nextTick()
  child.kill('SIGKILL')
  const [, signal] = await exit
  return signal === 'SIGKILL'
}
