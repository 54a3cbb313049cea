import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expectAll } from './needs.ts'

/** `machine`: installs on throw-away copies of this machine. `prefix`: where that is refused, into folders of its own. */
export type Way = 'machine' | 'prefix'

/** The way that this machine allows, said on stderr. Throws where something is missing that can be installed. */
export function chooseWay(): Way {
  expectAll()
  const { status, stderr } = spawnSync(join(import.meta.dirname, 'may-boot.sh'), { encoding: 'utf8' })
  const way = status === 0 ? 'machine' : 'prefix'
  const why = status === 0 ? 'copies of this machine are booted, and thrown away' : stderr.trim().split('\n')[0]
  process.stderr.write(`test:system way=${way} (${why})\n`)
  return way
}
