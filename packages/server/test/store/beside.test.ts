import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openAccessBeside } from '../../src/store/sqlite/beside.ts'
import { lookInto } from '../../src/store/sqlite/look.ts'
import { connect } from '../../src/store/sqlite/open.ts'
import { schemaOfData, schemaOfRelease } from '../../src/store/sqlite/schema.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

const RELEASE = join(import.meta.dirname, '../../../..')
const known = schemaOfRelease(RELEASE)

/** Makes the data what another release would have left. */
function make(dataDir: string, version: number): void {
  const db = connect(join(dataDir, 'claude-proxy.db'))
  db.exec(`PRAGMA user_version = ${version}`)
  db.close()
}

it('a command beside a service of this release writes what the service reads', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  await using access = openAccessBeside({ dataDir, log: silent })
  await access.addAudit({ at: 1, who: 'operator', agent: undefined, from: undefined, action: 'backup' })
  expect(await store.audit({ limit: 9 })).toMatchObject([{ who: 'operator', action: 'backup' }])
})

it.each([known - 1, known + 1])(
  'a command beside a service of another release is refused (schema %i)',
  async (other) => {
    const dataDir = temporaryDir()
    await temporaryStore(dataDir)
    make(dataDir, other)
    expect(() => openAccessBeside({ dataDir, log: silent })).toThrow(
      /is of another release than this program. Restart it/,
    )
  },
)

it('a command without a service is refused data of a newer release for what it is', async () => {
  const dataDir = temporaryDir()
  await (await temporaryStore(dataDir)).close()
  make(dataDir, known + 1)
  expect(() => openAccessBeside({ dataDir, log: silent })).toThrow(/it was last used by a newer release/)
})

it('who only looks is refused data of another release, with what to do about it', async () => {
  const dataDir = temporaryDir()
  expect(() => lookInto(dataDir)).toThrow(`Nothing is kept in ${dataDir}.`)
  await (await temporaryStore(dataDir)).close()
  make(dataDir, known - 1)
  expect(() => lookInto(dataDir)).toThrow(/of an older release .*: start the service once/)
  make(dataDir, known + 1)
  expect(() => lookInto(dataDir)).toThrow(/it was last used by a newer release/)
})

it('an upgrade can tell what data there is from what its release makes of it, also while a service has it', async () => {
  const dataDir = temporaryDir()
  expect(schemaOfData(dataDir)).toBe(0)
  const store = await temporaryStore(dataDir)
  expect(schemaOfData(dataDir)).toBe(known)
  await store.close()
  make(dataDir, known - 1)
  expect(schemaOfData(dataDir)).toBe(known - 1)
})
