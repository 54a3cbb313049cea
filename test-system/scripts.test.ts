import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const scripts = globSync(['.ci/run', '*.sh', 'deploy/*.sh', 'scripts/*.sh', 'test-system/support/*.sh'], { cwd: ROOT })

it('shellcheck finds nothing in any script', () => {
  expect(scripts).toContain('install.sh')
  execFileSync('shellcheck', scripts, { cwd: ROOT })
})
