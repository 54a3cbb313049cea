import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { chooseWay } from './support/way.ts'

/** `npm run test:system`: runs what can be run here; the arguments are vitest's. */
try {
  const way = chooseWay()
  const config = join(import.meta.dirname, 'vitest.config.ts')
  const { status } = spawnSync('vitest', ['run', '--config', config, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TEST_SYSTEM_WAY: way },
  })
  process.exitCode = status ?? 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
