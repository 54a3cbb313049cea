import { spawn, type ChildProcess } from 'node:child_process'
import { on, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** The service as a child process, with its output to read. */
export type Server = ChildProcess & { stdout: Readable; stderr: Readable }

/** Starts the service. Its environment holds what `env` says and nothing else. */
export function startServer(port: number, dataDir: string, env: Record<string, string>): Server {
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--data-dir', dataDir]
  // Detached: a Ctrl-C in the terminal is for the demo, which then stops the service in order.
  return spawn(process.execPath, [ENTRY, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
}

const ENTRY = fileURLToPath(new URL('../../server/src/main.js', import.meta.url))

/** The last lines of what the service prints. Reading them also keeps its pipes from filling up. */
export class LogTail {
  readonly lines: string[] = []
  readonly #stdout

  constructor(server: Server) {
    this.#stdout = createInterface({ input: server.stdout })
    for (const output of [this.#stdout, createInterface({ input: server.stderr })]) {
      output.on('line', (line) => {
        this.lines.push(line)
        if (this.lines.length > MOST_LINES) this.lines.shift()
      })
    }
  }

  /** The lines on stdout from now on, until the service closes it. */
  async *follow(signal: AbortSignal): AsyncGenerator<string, void, void> {
    for await (const [line] of on(this.#stdout, 'line', { signal, close: ['close'] })) yield String(line)
  }
}

const MOST_LINES = 40

/** The address of the service, once it answers. Throws when it ends before, or does not start in time. */
export async function listening(server: Server, log: LogTail, signal: AbortSignal): Promise<string> {
  const enough = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)])
  try {
    for await (const line of log.follow(enough)) {
      const url = /listening on (http:\/\/[\d.]+:\d+)/.exec(line)?.[1]
      if (url !== undefined) return url
    }
  } catch (cause) {
    throw new Error(`The service did not start.\n${log.lines.join('\n')}`, { cause })
  }
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  throw new Error(`The service ended before it answered, with ${howItEnded(server)}.\n${log.lines.join('\n')}`)
}

const START_TIMEOUT_MS = 20_000

/** Asks the service to stop, waits, and kills it when it does not. Resolves to how it ended. */
export async function stopServer(server: Server): Promise<string> {
  if (server.pid === undefined) return 'it never ran'
  const began = performance.now()
  if (server.exitCode === null && server.signalCode === null) {
    const exit = once(server, 'exit')
    server.kill('SIGTERM')
    const patience = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exit
    clearTimeout(patience)
  }
  return `${howItEnded(server)}, ${((performance.now() - began) / 1000).toFixed(1)} s after SIGTERM`
}

const STOP_TIMEOUT_MS = 15_000

function howItEnded(server: Server): string {
  return server.signalCode === null ? `exit code ${server.exitCode}` : `signal ${server.signalCode}`
}
