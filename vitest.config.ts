import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // The page has to be there before a test asks for it.
    globalSetup: 'packages/console/build/setup.ts',
    include: ['packages/*/test/**/*.test.ts', 'bench/test/**/*.test.ts', 'torture/test/**/*.test.ts'],
    // Tests start real processes; two cores are the floor.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
