import { defineConfig } from 'vitest/config'
import { chooseWay } from './support/way.ts'

const way = chooseWay()

/**
 * What only a whole machine can show; see support/box.ts. Needs root, and Debian's packages that .ci/run installs. A
 * container that may not mount gets what a prefix can show: see support/prefix.ts.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: way === 'machine' ? ['*.test.ts'] : ['scripts.test.ts', 'prefix.test.ts'],
    globalSetup: ['support/source-setup.ts', ...(way === 'machine' ? ['support/global.ts'] : [])],
    // Each boots a machine.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
})
