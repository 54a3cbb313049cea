import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { allLines, endOf, fresh, newRun, started } from '../contract/samples.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

it('everything is there again after a restart', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, folder, run } = await started(store)
  await store.append(run.id, ['{"n":2}', '{"n":3}'], 2)
  await store.endRun(run.id, ['{"n":4}'], 3)
  const alias = fresh().id
  await endOf(store, newRun({ name: alias, folder, options: { model: 'm' } }))
  await store.setSession(id, 'session', 4)
  const open = await started(store)
  await store.addProcess({ pid: 5, startedAt: 'then' })
  const before = await Promise.all([store.conversation(id), store.run(run.id), store.openRuns(), allLines(store, id)])
  await store.close()

  const again = await temporaryStore(dataDir)
  const after = await Promise.all([again.conversation(id), again.run(run.id), again.openRuns(), allLines(again, id)])
  expect(after).toEqual(before)
  expect(await again.resolve(alias)).toMatchObject({ conversation: { id, sessionId: 'session' }, isOwn: false })
  expect(await again.openRun(open.folder)).toEqual(open.run)
  expect(await again.processes()).toEqual([{ pid: 5, startedAt: 'then' }])
  expect(await again.append(open.run.id, ['{}'], 5)).toEqual({ status: 'stored', first: 2, last: 2 })
})

it('work that was submitted before close is on the disk after it', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, run } = await started(store)
  const appends = Array.from({ length: 500 }, () => store.append(run.id, ['{}'], 2))
  await store.close()
  await Promise.all(appends)
  expect(await (await temporaryStore(dataDir)).conversation(id)).toMatchObject({ head: 501 })
})

it('a closed store leaves one database file, readable by its owner alone', async () => {
  const dataDir = join(temporaryDir(), 'new', 'dir')
  const store = await openSqliteStore({ dataDir, log: silent })
  await started(store)
  expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(dataDir)) expect([name, modeOf(dataDir, name)]).toEqual([name, 0o600])
  await store.close()
  expect(readdirSync(dataDir).toSorted()).toEqual(['claude-proxy.db', 'lock.db', 'lock.pid'])
})

it('a database that others could read is made private, and a data directory that a group can look into is told of', async () => {
  const dataDir = join(temporaryDir(), 'open')
  mkdirSync(dataDir)
  chmodSync(dataDir, 0o750)
  await (await temporaryStore(dataDir)).close()
  chmodSync(join(dataDir, 'claude-proxy.db'), 0o644)
  const warnings: string[] = []
  const log = { ...silent, warn: (message: string) => void warnings.push(message) }
  const store = await openSqliteStore({ dataDir, log })
  expect(modeOf(dataDir, 'claude-proxy.db')).toBe(0o600)
  expect(warnings).toEqual([expect.stringContaining(`chmod 700 ${dataDir}`)])
  await store.close()
})

function modeOf(dataDir: string, name: string): number {
  return statSync(join(dataDir, name)).mode & 0o777
}
