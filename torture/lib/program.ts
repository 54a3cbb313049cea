import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../packages/server/src/main.js', import.meta.url))

/** How long a start may take on a busy machine. */
const START_MS = 60_000

export interface ProgramOptions {
  readonly dataDir: string
  readonly agent?: 'scripted' | 'claude'
  readonly flags?: readonly string[]
  /** Variables besides PATH and HOME, which is an empty folder beside the data directory. */
  readonly env?: Readonly<Record<string, string>>
  /** What the program is started through, such as `prlimit`. */
  readonly through?: readonly string[]
}

/** The service as its own process, as an operator runs it. */
export interface Program extends AsyncDisposable {
  readonly base: string
  readonly pid: number
  /** What it has written to stderr: its log. */
  readonly stderr: string
  /** How it ended. */
  readonly exit: Promise<[code: number | null, signal: NodeJS.Signals | null]>
  readonly signal: (signal: NodeJS.Signals) => void
  /** kill -9; resolves when it is gone. */
  readonly kill: () => Promise<void>
}

/** Starts the program on a free port; rejects with what it said when it does not come up. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const started = await launch(options)
  const base = await started.listening
  if (base === undefined || started.child.pid === undefined)
    throw new Error(`the program has not started: ${started.stderr}`)
  return {
    base,
    pid: started.child.pid,
    get stderr() {
      return started.stderr
    },
    exit: started.exit,
    signal: started.signal,
    kill: started.kill,
    [Symbol.asyncDispose]: started.kill,
  }
}

/** A program that may still be on its way up. */
export interface Launched {
  readonly child: ChildProcess
  readonly stderr: string
  readonly exit: Program['exit']
  /** Where it listens; undefined when it ends before, or takes too long. */
  readonly listening: Promise<string | undefined>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly kill: () => Promise<void>
}

/** Starts the program and does not wait for it. */
export async function launch(options: ProgramOptions): Promise<Launched> {
  const { dataDir, agent = 'scripted', flags = [], env = {}, through = [] } = options
  const home = join(dataDir, '..', 'home')
  await mkdir(home, { recursive: true })
  const args = [MAIN, '--port', '0', '--data-dir', dataDir, '--agent', agent, '--log-level', 'warn', ...flags]
  const [command = '', ...rest] = [...through, process.execPath, ...args]
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  const { promise: listening, resolve } = Promise.withResolvers<string | undefined>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      const base = /listening on (http:\/\/[^\s,]+)/.exec(said.stdout)?.[1]
      if (base !== undefined) resolve(base)
    })
  }
  const exit = once(child, 'close') as Program['exit']
  const timer = setTimeout(() => resolve(undefined), START_MS)
  void exit.then(() => resolve(undefined))
  void listening.then(() => clearTimeout(timer))
  return {
    child,
    get stderr() {
      return said.stderr
    },
    exit,
    listening,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}
