import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Shell {
  /** Runs a script and tells how it went. */
  sh(script: string, input?: string): Promise<Outcome>
  /** The same for what has to succeed; what it printed. */
  ok(script: string, input?: string): Promise<string>
}

/** A shell somewhere: `start` begins a bash there with these arguments. */
export function shellOf(start: (args: readonly string[]) => ChildProcessWithoutNullStreams): Shell {
  async function sh(script: string, input = ''): Promise<Outcome> {
    // Without its settings file: a bash whose input is a socket takes itself for a remote one, and reads that.
    const bash = start(['--norc', '-c', script])
    // Who ends without having read everything says by its code whether that was right.
    bash.stdin.on('error', () => {}).end(input)
    const [stdout, stderr, [code]] = await Promise.all([
      text(bash.stdout),
      text(bash.stderr),
      once(bash, 'close') as Promise<[number | null]>,
    ])
    return { code, stdout, stderr }
  }

  return {
    sh,
    async ok(script, input) {
      const { code, stdout, stderr } = await sh(script, input)
      if (code !== 0) throw new Error(`${script}\nended with ${code}\n${stdout}\n${stderr}`)
      return stdout
    },
  }
}
