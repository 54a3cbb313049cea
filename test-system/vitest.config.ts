import { defineConfig } from 'vitest/config'

/** What only a whole machine can show; see support/box.ts. Needs root, and Debian's packages that .ci/run installs. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: 'support/global.ts',
    // Each boots a machine.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
})
