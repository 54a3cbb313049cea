import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { mounted } from './mounted.ts'
import { type Shell, shellOf } from './shell.ts'

/** A copy of this machine that is thrown away: its own files, processes, users, network and systemd. */
export interface Box extends AsyncDisposable, Shell {
  /** What was written in it; another box may begin with that, once this one is closed. */
  readonly written: string
  /** Ends everything in it and keeps what was written. */
  close(): Promise<void>
}

/** How long a machine may take to boot, busy as this one may be. */
const BOOT_MS = 60_000

/** Boots one. `share` is its /mnt; it begins with what another wrote, if that is given. */
export async function openBox(share: string, before?: string): Promise<Box> {
  const directory = mkdtempSync(join(tmpdir(), 'claude-proxy-box-'))
  const enter = join(import.meta.dirname, 'enter.sh')
  if (before !== undefined) copy(before, join(directory, 'written'))
  const child = spawn(enter, [directory, share], { stdio: ['ignore', 'ignore', 'pipe'] })
  const complaints = text(child.stderr)
  const ended = once(child, 'exit')

  async function close(): Promise<void> {
    const init = initOf(child.pid)
    if (init !== undefined) process.kill(init, 'SIGKILL')
    await ended
    removeGroup(basename(directory))
  }

  const box: Box = {
    written: join(directory, 'written'),
    ...shellOf((args) => {
      const init = initOf(child.pid)
      if (init === undefined) throw new Error('The machine is not there.')
      const inside = ['-t', String(init), '-m', '-n', '-p', '-u', '-i', '-C', '-r', '-w']
      return spawn('nsenter', [...inside, '/bin/bash', ...args], {
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
      })
    }),
    close,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await close()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  try {
    await booted(box, () => initOf(child.pid) !== undefined)
  } catch (cause) {
    await box[Symbol.asyncDispose]()
    throw new Error(`The machine does not boot: ${await complaints}`, { cause })
  }
  return box
}

/**
 * The kernel takes no layers that lie within one another, so that what was written is copied. The code of a release is
 * large and never written to: links do.
 */
function copy(from: string, to: string): void {
  mkdirSync(to)
  for (const name of readdirSync(from)) execFileSync('cp', [name === 'opt' ? '-al' : '-a', join(from, name), to])
}

async function booted(box: Box, hasBegun: () => boolean): Promise<void> {
  const deadline = performance.now() + BOOT_MS
  let state = 'not begun'
  while (performance.now() < deadline) {
    if (hasBegun()) state = (await box.sh('systemctl is-system-running')).stdout.trim()
    if (state === 'running') return
    await wait(100)
  }
  throw new Error(state)
}

/** The first process in it: the only child of the one that made its namespaces. */
function initOf(pid: number | undefined): number | undefined {
  try {
    const [init] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return init ? Number(init) : undefined
  } catch {
    // It has ended.
    return undefined
  }
}

/** The kernel keeps the control groups of processes that are gone. */
function removeGroup(name: string): void {
  mounted('cgroup2', (root) => removeAll(join(root, name)))
}

function removeAll(group: string): void {
  for (const each of readdirSync(group, { withFileTypes: true }))
    if (each.isDirectory()) removeAll(join(group, each.name))
  rmdirSync(group)
}
