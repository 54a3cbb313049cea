import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPlainFile } from '../../core/import/plain-file.ts'
import type { AgentProcess } from '../../core/ports/agent.ts'
import { identify } from './process-tree.ts'

/**
 * Which sessions somebody besides us has open; `isOurs` knows our own processes. Claude Code keeps a file for each of its processes that says which
 * session it is in (`sessions/<pid>.json`); older ones are seen only by a session that their command line names.
 */
export async function sessionsInUse(
  configDirectory: string,
  isOurs: (pid: number) => boolean,
): Promise<ReadonlySet<string>> {
  const found = [...(await registered(join(configDirectory, 'sessions'))), ...(await named())]
  return new Set(found.filter(({ pid }) => !isOurs(pid)).map(({ session }) => session))
}

interface User {
  readonly pid: number
  readonly session: string
}

/** More processes than anybody has; the directory could be full of anything. */
const MOST_FILES = 1000

async function registered(directory: string): Promise<User[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => /^\d{1,10}\.json$/.test(name))
  const read = await Promise.all(
    names.slice(0, MOST_FILES).map(async (name) => {
      const text = await readPlainFile(join(directory, name)).catch(() => '')
      const { pid, sessionId, procStart } = fields(text)
      if (typeof pid !== 'number' || typeof sessionId !== 'string') return undefined
      const alive = await identify(pid)
      // A process that was killed leaves its file, and its pid to another.
      return alive && isSame(alive, procStart) ? { pid, session: sessionId.toLowerCase() } : undefined
    }),
  )
  return read.filter((each) => each !== undefined)
}

/** Where the start time is that of /proc, it is compared; elsewhere a living pid has to do. */
function isSame({ startedAt }: AgentProcess, procStart: unknown): boolean {
  const [ticks = '', boot] = startedAt.split('@')
  return boot === undefined || typeof procStart !== 'string' || procStart === ticks
}

function fields(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    // Being written, or no file of Claude Code's.
    return {}
  }
}

const NAMES_A_SESSION = new Set(['--resume', '-r', '--session-id'])

/** The processes whose command line names a session (Linux). */
async function named(): Promise<User[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      return args.flatMap((arg, at) => {
        const session = NAMES_A_SESSION.has(args[at - 1] ?? '') ? arg : /^--(?:resume|session-id)=(.*)$/.exec(arg)?.[1]
        return session === undefined ? [] : [{ pid: Number(pid), session: session.toLowerCase() }]
      })
    }),
  )
  return found.flat()
}
