import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { AppError } from '@claude-proxy/protocol/errors'

/** What came out of Git, as far as it may. */
export interface Output {
  readonly stdout: Buffer
  /** There was more. */
  readonly isCut: boolean
  readonly code: number
  /** Its last words, for a person. */
  readonly complaint: string
}

/** Limits, for one command: a hostile repository can make any of them long. */
const MOST_MS = 10_000
const MOST_BYTES = 4 * 1024 * 1024
const MOST_WORDS = 2000
export type Run = typeof run

/** Runs Git with `environment` and nothing else, within limits. What it began ends with it. */
export async function run(
  args: readonly string[],
  environment: Record<string, string>,
  signal: AbortSignal,
): Promise<Output> {
  signal.throwIfAborted()
  // A group of its own: whatever it begins can be ended with it.
  const child = spawn('git', args, { cwd: '/', env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      // It has ended by itself.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    end()
  }, MOST_MS)
  signal.addEventListener('abort', end)
  const parts: Buffer[] = []
  let [size, complaint] = [0, '']
  child.stdout.on('data', (part: Buffer) => {
    if (size < MOST_BYTES) parts.push(part)
    size += part.length
    if (size > MOST_BYTES) end()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < MOST_WORDS) complaint += text.slice(0, MOST_WORDS)
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    signal.throwIfAborted()
    if (isLate) throw unreadable(`Git took longer than ${MOST_MS / 1000} seconds.`)
    const isCut = size > MOST_BYTES
    if (code === null && !isCut) throw unreadable('Git was killed.')
    return { stdout: Buffer.concat(parts).subarray(0, MOST_BYTES), isCut, code: code ?? 0, complaint }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new AppError('unavailable_here', 'Git is not installed on the machine of this service.', {}, { cause })
  } finally {
    clearTimeout(deadline)
    signal.removeEventListener('abort', end)
  }
}

/** The repository is broken, or too much for us. */
export function unreadable(why: string): AppError {
  return new AppError('repository_unreadable', why)
}
