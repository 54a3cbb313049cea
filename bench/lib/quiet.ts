import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a process and its descendants are doing. */
export interface Family {
  readonly pids: readonly number[]
  /** CPU that all of them have used, in clock ticks. */
  readonly ticks: number
}

/** The process and all that it began, as /proc shows them. Undefined where there is no /proc. */
export function family(pid: number): Family | undefined {
  if (process.platform !== 'linux') return undefined
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? [])
  const members = new Set([pid])
  // A child can come before its parent in the list.
  for (let size = 0; size < members.size;) {
    size = members.size
    for (const each of all) if (members.has(each.parent)) members.add(each.pid)
  }
  const ticks = all.filter((each) => members.has(each.pid)).reduce((sum, each) => sum + each.ticks, 0)
  return { pids: [...members], ticks }
}

const LOOK_MS = 250
const PATIENCE_MS = 30_000

/**
 * Waits until the process and its descendants are `fits` and have used hardly any CPU for a while: what is measured
 * next has the machine to itself.
 */
export async function untilQuiet(pid: number, fits: (family: Family) => boolean = () => true): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  let before = family(pid)
  if (before === undefined) return sleep(3000)
  while (performance.now() < deadline) {
    await sleep(LOOK_MS)
    const now = family(pid)
    if (now && fits(now) && now.pids.length === before.pids.length && now.ticks - before.ticks <= 1) return undefined
    before = now ?? before
  }
  throw new Error(`process ${pid} and its children did not come to rest`)
}

function statOf(pid: number): { pid: number; parent: number; ticks: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    // It has just gone.
    return undefined
  }
}
