import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Child {
  readonly pid: number | undefined
  /** What it prints, line by line. */
  readonly lines: Interface
  /** Writes a line to its standard input. */
  tell(line: string): void
  /** kill -9; resolves when it is gone and all that it printed has been read. */
  kill(): Promise<void>
}

/** Starts a script of this folder as a process of its own. It is killed with the test, if it still lives. */
export function startChild(script: string, args: readonly string[]): Child {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const gone = Promise.all([once(child, 'exit'), once(lines, 'close')])
  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(kill)
  return { pid: child.pid, lines, tell: (line) => void child.stdin.write(`${line}\n`), kill }
}
