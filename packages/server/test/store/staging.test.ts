import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import type { Folder } from '@claude-proxy/protocol/ids'
import { connect } from '../../src/store/sqlite/open.ts'
import { allLines, started } from '../contract/samples.ts'
import { temporaryDir, temporaryStore } from './temporary.ts'

const LINE = JSON.stringify('x'.repeat(500))

it('a staged conversation that a crash has left behind is gone after the next start, and what it held goes by and by', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, run } = await started(store)
  const staged = await store.beginStaged(1)
  await store.addToStaged(staged, Array(5000).fill(LINE), 1)
  await store.close()
  const again = await temporaryStore(dataDir)
  await expect(again.addToStaged(staged, [LINE], 2)).rejects.toMatchObject({ code: 'storage_unavailable' })
  const db = connect(join(dataDir, 'claude-proxy.db'), true)
  onTestFinished(() => db.close())
  const left = db.prepare<{ n: number }>('SELECT count(*) AS n FROM chunk')
  await expect.poll(() => left.get()?.n, { timeout: 20_000 }).toBe(1)
  await again.endRun(run.id, ['{}'], 2)
  expect(await allLines(again, id)).toEqual(['{"n":1}', '{}'])
})

it('others append while a large conversation is copied, also while its rows are merged', async () => {
  const store = await temporaryStore()
  const { id, run } = await started(store)
  for (let n = 0; n < 40; n++) await store.append(run.id, Array(500).fill(LINE), 2)
  for (let n = 0; n < 300; n++) await store.append(run.id, [LINE], 2)
  const expected = await allLines(store, id, 10_000_000)
  await store.endRun(run.id, ['{}'], 3)
  const other = await started(store)
  const staged = await store.beginStaged(1)
  let steps = 0
  let appended = 0
  const copying = (async () => {
    for (let head = 0; head < expected.length; steps++)
      head = (await store.copyToStaged(staged, id, expected.length)) ?? expected.length
  })()
  const isCopied = copying.then(() => 'copied')
  while ((await Promise.race([isCopied, store.append(other.run.id, ['{}'], 3)])) !== 'copied') appended++
  expect(steps).toBeGreaterThan(5)
  expect(appended).toBeGreaterThanOrEqual(steps - 1)
  const copy = ConversationId.parse('copy')
  const folder = '/copy' as Folder
  const usual = { cwd: folder, title: undefined, sessionId: undefined, ownsSession: true, line: '{}', at: 4 }
  await store.publishStaged({ staged, id: copy, folder, ...usual })
  expect(await allLines(store, copy, 10_000_000)).toEqual([...expected, '{}'])
})
