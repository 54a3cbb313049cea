import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { percentile } from './stats.ts'

export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryGib: number
  readonly system: string
  readonly node: string
  /** Of 300 bytes appended to a file. */
  readonly fdatasyncP50Ms: number
  /** Others' work, when the run began. */
  readonly loadAverage: number
}

/** The facts that figures depend on. `folder` is on the disk that is used. */
export function machineFacts(folder: string): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.version,
    fdatasyncP50Ms: Number(fdatasyncP50Ms(folder).toFixed(3)),
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
  }
}

function fdatasyncP50Ms(folder: string): number {
  const file = openSync(join(folder, 'fdatasync'), 'w')
  const bytes = Buffer.alloc(300, 'x')
  try {
    const times = Array.from({ length: 300 }, () => {
      const start = performance.now()
      writeSync(file, bytes)
      fdatasyncSync(file)
      return performance.now() - start
    })
    return percentile(times, 50)
  } finally {
    closeSync(file)
  }
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** How many files a process may have open. Node takes the hard limit by itself when it starts. */
export function mostOpenFiles(): number {
  try {
    const said = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
    return said === 'unlimited' ? Number.POSITIVE_INFINITY : Number(said)
  } catch {
    return 1024
  }
}
