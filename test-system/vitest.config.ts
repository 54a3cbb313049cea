import { defineConfig } from 'vitest/config'

/** Said by main.ts, which looks what this machine allows. */
const isMachine = process.env['TEST_SYSTEM_WAY'] === 'machine'

/**
 * What only a whole machine can show; see support/box.ts. Needs root, and Debian's packages that .ci/run installs. A
 * container that may not mount gets what a prefix can show: see support/prefix.ts.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: isMachine ? ['*.test.ts'] : ['scripts.test.ts', 'recipes.test.ts', 'prefix.test.ts'],
    globalSetup: ['support/source-setup.ts', ...(isMachine ? ['support/global.ts'] : [])],
    // Each boots a machine.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
})
