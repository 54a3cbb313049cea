import { join } from 'node:path'
import { mergeConfig } from 'vitest/config'
import usual from '../../vitest.config.ts'

/** The tests as Node runs them: what V8 counts lies where it lies in the files, in tests, children and threads alike. */
export default mergeConfig(usual, {
  test: {
    root: join(import.meta.dirname, '../..'),
    experimental: { viteModuleRunner: false },
    setupFiles: [join(import.meta.dirname, 'take.ts')],
  },
})
