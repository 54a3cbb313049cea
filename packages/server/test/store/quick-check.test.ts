import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { quickCheck } from '../../src/store/sqlite/quick-check.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

it('finds nothing wrong with a whole database, whether a service has it or not, and leaves no file beside it', async () => {
  const dataDir = temporaryDir()
  expect(quickCheck(dataDir, false)).toBeUndefined()
  const store = await temporaryStore(dataDir)
  expect(quickCheck(dataDir, true)).toEqual([])
  await store.close()
  const before = readdirSync(dataDir)
  expect(quickCheck(dataDir, false)).toEqual([])
  expect(readdirSync(dataDir)).toEqual(before)
})

it('tells what SQLite says of a file that is no database', () => {
  const dataDir = temporaryDir()
  writeFileSync(join(dataDir, 'claude-proxy.db'), 'no database, and long enough to be looked at'.repeat(100))
  expect(quickCheck(dataDir, false)).toEqual(['file is not a database'])
})
