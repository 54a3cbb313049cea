import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Log } from '../../src/core/ports/outside.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'

export const silent: Log = { info() {}, warn() {}, error() {} }

/** A data directory that is removed with the test. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'store-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A store that is closed with the test, in `dataDir` or a directory of its own. */
export async function temporaryStore(dataDir = temporaryDir()): Promise<Store> {
  const store = await openSqliteStore({ dataDir, log: silent })
  onTestFinished(() => store.close())
  return store
}

/** A store that its user throws away. */
export async function openTemporary(): Promise<{ store: Store; dataDir: string; discard(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'store-test-'))
  const store = await openSqliteStore({ dataDir, log: silent })
  return {
    store,
    dataDir,
    async discard() {
      await store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
