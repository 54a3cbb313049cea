import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lockHolder } from '../../src/store/sqlite/lock.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { started } from '../contract/samples.ts'
import { startChild } from './child.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

it('a second store on the same directory is refused with a sentence, and the first one keeps working', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(openSqliteStore({ dataDir, log: silent })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: `Another server (process ${process.pid}) is using the data directory ${dataDir}. Stop it, or start this one with another data directory.`,
    })
  }
  await started(store)
})

it('who holds the directory is not known when its note is empty or gone: the sentence says so', async () => {
  const dataDir = temporaryDir()
  await temporaryStore(dataDir)
  const sentence = `Another process is using the data directory ${dataDir}.`
  writeFileSync(join(dataDir, 'lock.pid'), '')
  await expect(openSqliteStore({ dataDir, log: silent })).rejects.toThrow(sentence)
  rmSync(join(dataDir, 'lock.pid'))
  await expect(openSqliteStore({ dataDir, log: silent })).rejects.toMatchObject({ details: { pid: null } })
})

it('another process is refused as long as the first one lives, and kill -9 frees the directory', async () => {
  const dataDir = temporaryDir()
  const child = startChild('append-child.ts', [dataDir, '1'])
  await once(child.lines, 'line')
  await expect(openSqliteStore({ dataDir, log: silent })).rejects.toThrow(`(process ${child.pid})`)
  await child.kill()
  await temporaryStore(dataDir)
})

it('a store that could not be opened leaves the directory free', async () => {
  const dataDir = temporaryDir()
  const first = await temporaryStore(dataDir)
  await expect(openSqliteStore({ dataDir, log: silent })).rejects.toThrow()
  await first.close()
  await temporaryStore(dataDir)
})

it('a lock that is no lock is an error of its own, not somebody who has the directory', async () => {
  const dataDir = temporaryDir()
  writeFileSync(join(dataDir, 'lock.db'), 'scribbled over, and long enough to be looked at'.repeat(100))
  await expect(openSqliteStore({ dataDir, log: silent })).rejects.toThrow('file is not a database')
  expect(() => lockHolder(dataDir)).toThrow('file is not a database')
})

it('who looks from outside learns whether anybody has the directory, and who if that is known', async () => {
  const dataDir = temporaryDir()
  expect(lockHolder(dataDir)).toBeUndefined()
  const store = await temporaryStore(dataDir)
  expect(lockHolder(dataDir)).toEqual({ pid: process.pid })
  for (const note of ['', 'nobody', '-1']) {
    writeFileSync(join(dataDir, 'lock.pid'), note)
    expect(lockHolder(dataDir)).toEqual({ pid: undefined })
  }
  await store.close()
  expect(lockHolder(dataDir)).toBeUndefined()
})
