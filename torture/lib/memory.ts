import { readFileSync } from 'node:fs'

/** The memory of a process in megabytes; NaN where the system does not say. */
export function megabytesOf(pid: number): number {
  try {
    const [, kilobytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number.parseInt(kilobytes, 10) / 1024)
  } catch {
    return Number.NaN
  }
}

/** How many files this process, and each that it starts, may have open. */
export function mostOpenFiles(): number {
  try {
    const [, soft = '1024'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft)
  } catch {
    return 256
  }
}
