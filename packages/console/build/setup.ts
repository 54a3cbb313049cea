/** For vitest: once before all tests. */
export { ensureBuilt as setup } from './build.ts'
