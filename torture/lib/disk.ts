import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A disk so small that it can be filled. */
export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes all room but so many bytes. */
  readonly fill: (freeBytes: number) => void
  readonly clear: () => void
}

/** Whether this user may mount a file system. */
export function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0
}

/** A file system of its own in memory. Only root may have one. */
export function mountSmallDisk(path: string, bytes: number): SmallDisk {
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
  const filler = join(path, 'filler')
  const clear = () => rmSync(filler, { force: true })
  return {
    path,
    fill(freeBytes) {
      clear()
      const { bavail, bsize, blocks } = statfsSync(path)
      // Where it is not mounted any more lies the machine's own disk.
      if (blocks * bsize > bytes) throw new Error(`${path} is not the small disk`)
      const file = openSync(filler, 'w')
      const block = Buffer.alloc(64 * 1024)
      try {
        for (let left = bavail * bsize - freeBytes; left > 0;)
          left -= writeSync(file, block, 0, Math.min(left, block.length))
      } catch (error) {
        // Somebody else took the last bytes.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    clear,
    // Lazily: whatever still has a file open there must not keep it from going.
    [Symbol.dispose]: () => void execFileSync('umount', ['-l', path]),
  }
}

/** The largest file that a process may write from now on; what it has open counts, too. */
export function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])
}
