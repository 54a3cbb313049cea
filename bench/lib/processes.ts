import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Handlers, type Remote, remote } from './rpc.ts'

/** A process that the benchmark has started. Disposing of it ends it. */
export interface Started extends AsyncDisposable {
  readonly child: ChildProcess
  readonly pid: number
  /** The last lines it has printed. */
  readonly lastWords: () => string
  /** Resolves with the first line, printed or to come, that fits. */
  line(fits: RegExp): Promise<RegExpExecArray>
}

export interface StartOptions {
  /** The whole environment: nothing of ours gets in by itself. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Whether it can be asked over IPC. */
  readonly asked?: boolean
}

const living = new Set<ChildProcess>()
const KEPT_LINES = 30
const LINE_TIMEOUT_MS = 30_000
const LEAVE_MS = 12_000

/** Ends everything that runs, for when the user wants to stop; nothing more can be started. */
export async function endAll(): Promise<void> {
  ending = true
  const all = [...living]
  for (const child of all) child.kill('SIGTERM')
  const gone = Promise.all(all.map((child) => once(child, 'exit')))
  await Promise.race([gone, sleep(LEAVE_MS)])
}

let ending = false

// Whatever happens to us, nothing of ours stays: orderly ends are the parts' own, this is for the others.
process.on('exit', () => {
  for (const { pid } of living) if (pid !== undefined) killGroup(pid)
})

/** Starts a program. */
export function start(
  command: string,
  args: readonly string[],
  { env, cwd, asked = false }: StartOptions = {},
): Started {
  if (ending) throw new Error('Stopped.')
  const child = spawn(command, args, {
    env: env ?? basicEnvironment(),
    ...(cwd !== undefined && { cwd }),
    stdio: asked ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    serialization: 'advanced',
    // A Ctrl-C in the terminal is for us alone; we end the others in order.
    detached: true,
  })
  living.add(child)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  }).then(() => living.delete(child))
  const lines: string[] = []
  const listeners = new Set<() => void>()
  for (const output of [child.stdout, child.stderr]) {
    let rest = ''
    output?.setEncoding('utf8').on('data', (text: string) => {
      const found = (rest + text).split('\n')
      rest = found.pop() ?? ''
      lines.push(...found)
      lines.splice(0, lines.length - KEPT_LINES)
      for (const listen of listeners) listen()
    })
  }
  const lastWords = () => lines.join('\n')

  return {
    child,
    pid: child.pid ?? 0,
    lastWords,
    async line(fits) {
      const found = Promise.withResolvers<RegExpExecArray>()
      const look = () => {
        const match = lines.map((line) => fits.exec(line)).find((each) => each !== null)
        if (match) found.resolve(match)
      }
      const fail = (why: string) => found.reject(new Error(`${command} ${args.join(' ')}: ${why}\n${lastWords()}`))
      const timer = setTimeout(() => fail(`did not print ${String(fits)} in time`), LINE_TIMEOUT_MS)
      void gone.then(() => fail('ended too early'))
      child.once('error', (error) => fail(error.message))
      listeners.add(look)
      look()
      try {
        return await found.promise
      } finally {
        clearTimeout(timer)
        listeners.delete(look)
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS)
      await gone
      clearTimeout(patience)
      if (child.pid !== undefined) killGroup(child.pid)
    },
  }
}

/** A script of ours in a process of its own, which can be asked. */
export interface Helper<H extends Handlers> extends Started, Remote<H> {}

/** Starts `file` with Node. `flags` are Node's own, `args` the script's. */
export function startScript<H extends Handlers>(
  file: string,
  { flags = [], args = [], ...options }: StartOptions & { flags?: readonly string[]; args?: readonly string[] } = {},
): Helper<H> {
  const started = start(process.execPath, [...flags, file, ...args], { ...options, asked: true })
  return { ...started, ...remote<H>(started.child, started.lastWords) }
}

/** Runs a program to its end. Throws when it fails. */
export async function runToEnd(command: string, args: readonly string[], options: StartOptions = {}): Promise<string> {
  const started = start(command, args, options)
  const [code] = await once(started.child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}\n${started.lastWords()}`)
  return started.lastWords()
}

function basicEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' }
}

/** Ends what is left of a process and its children, who are in its group: nginx has a worker, the SDK has an agent. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just gone by itself.
  }
}
