import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { started } from '../contract/samples.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

it('the write-ahead log starts over again and again while appends go on without a pause', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const runs = await Promise.all(Array.from({ length: 20 }, () => started(store)))
  const line = JSON.stringify('x'.repeat(8000))
  const file = join(dataDir, 'claude-proxy.db-wal')
  let longest = 0
  await Promise.all(
    runs.map(async ({ run }) => {
      for (let n = 0; n < 400; n++) {
        await store.append(run.id, [line], 2)
        longest = Math.max(longest, statSync(file).size)
      }
    }),
  )
  // 64 MB of events
  expect(longest).toBeLessThan(32 * 1024 * 1024)
})
