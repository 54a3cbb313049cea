import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { AgentProcess } from '../../core/ports/agent.ts'

/** Processes as the operating system knows them: who began whom, and when, so that a reused pid is noticed. */

const run = promisify(execFile)

interface Entry extends AgentProcess {
  readonly parent: number
}

/** The identity of a living process; undefined when there is none (a zombie counts as none). */
export async function identify(pid: number): Promise<AgentProcess | undefined> {
  const entry = (await onLinux()) ? await readStat(pid) : (await listWithPs()).find((each) => each.pid === pid)
  return entry && { pid: entry.pid, startedAt: entry.startedAt }
}

/** Whether this very process is still alive. */
export async function isAlive(process: AgentProcess): Promise<boolean> {
  return (await identify(process.pid))?.startedAt === process.startedAt
}

/** The process and everything it has begun, directly or not. */
export async function tree(root: AgentProcess): Promise<AgentProcess[]> {
  const all = (await onLinux()) ? await listProc() : await listWithPs()
  const found = all.filter((each) => each.pid === root.pid && each.startedAt === root.startedAt)
  for (const parent of found) found.push(...all.filter((each) => each.parent === parent.pid && !found.includes(each)))
  return found.map(({ pid, startedAt }) => ({ pid, startedAt }))
}

/** Sends `signal` to those of `processes` that are still the same; gone ones are passed over. */
export async function signalAll(processes: readonly AgentProcess[], signal: NodeJS.Signals): Promise<void> {
  for (const each of processes) {
    if (!(await isAlive(each))) continue
    try {
      process.kill(each.pid, signal)
    } catch (error) {
      // Gone between the look and the signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Ends the processes: SIGTERM, and SIGKILL for those, and what they had begun, that are alive after `graceMs`. */
export async function endAll(roots: readonly AgentProcess[], graceMs: number): Promise<void> {
  const processes = (await Promise.all(roots.map(tree))).flat()
  await signalAll(roots, 'SIGTERM')
  // Not the time of day, which somebody may set back by hours.
  const deadline = performance.now() + graceMs
  while (performance.now() < deadline && (await anyAlive(processes)))
    await new Promise((resolve) => setTimeout(resolve, 25))
  await signalAll(processes, 'SIGKILL')
}

async function anyAlive(processes: readonly AgentProcess[]): Promise<boolean> {
  return (await Promise.all(processes.map(isAlive))).includes(true)
}

/** The memory a process holds now; 0 where the system does not say. */
export async function residentBytes({ pid }: AgentProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

let proc: Promise<boolean> | undefined
function onLinux(): Promise<boolean> {
  proc ??= readStat(process.pid).then((entry) => entry !== undefined)
  return proc
}

async function listProc(): Promise<Entry[]> {
  const names = await readdir('/proc')
  const entries = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readStat(Number(name))))
  return entries.filter((entry) => entry !== undefined)
}

/** proc_pid_stat(5): after the name in parentheses, state is field 3, the parent field 4, the start time field 22. */
async function readStat(pid: number): Promise<Entry | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return { pid, parent: Number(fields[1]), startedAt: `${fields[19]}@${await bootId()}` }
}

// Start times count from the boot, so that they come again after the next one.
let boot: Promise<string> | undefined
function bootId(): Promise<string> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((id) => id.trim())
  return boot
}

async function listWithPs(): Promise<Entry[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,stat=,lstart='])
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, startedAt] = /^(\d+) +(\d+) +(\S+) +(\S.*)$/.exec(line.trim()) ?? []
    return startedAt === undefined || state?.startsWith('Z')
      ? []
      : [{ pid: Number(pid), parent: Number(parent), startedAt }]
  })
}
