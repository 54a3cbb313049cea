import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Program } from './program.ts'
import { until } from './until.ts'

/** What is alive in a service that was started with the probe. */
export interface Inside {
  readonly responses: number
  readonly sockets: number
  /** What JavaScript holds: heap and buffers. */
  readonly heldBytes: number
}

/** What has to be loaded into a program, so that it can be looked into. */
export const PROBE_FILE = new URL('probe.ts', import.meta.url).href
/** Variables that do so. */
export const PROBE = { NODE_OPTIONS: `--no-warnings --import=${PROBE_FILE}` }

/** Collects the service's garbage and counts what is left. */
export async function lookInside(program: Pick<Program, 'pid' | 'stderr'>): Promise<Inside> {
  const said = () => [...program.stderr.matchAll(/^probe (.+)$/gm)]
  const before = said().length
  process.kill(program.pid, 'SIGUSR2')
  await until('the probe answers', () => said().length > before, 20_000)
  return JSON.parse(said().at(-1)?.[1] ?? '') as Inside
}

/** What a process has open, each by its name: a file, a socket, a pipe. */
export function openFiles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`)
    } catch {
      // Closed while we looked.
      return []
    }
  })
}

/** Memory of a process that is its own: without the files that are mapped into it. 0 when it is gone. */
export function ownBytes(pid: number): number {
  try {
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
