import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Does something with a file system of the kernel's, wherever this machine has it. */
export function mounted(type: string, act: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'claude-proxy-mount-'))
  execFileSync('mount', ['-t', type, type, root])
  try {
    act(root)
  } finally {
    execFileSync('umount', [root])
    rmdirSync(root)
  }
}
