import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import { backUp } from '../../src/store/sqlite/backup/backup.ts'
import { restore } from '../../src/store/sqlite/backup/restore.ts'
import { connect } from '../../src/store/sqlite/open.ts'
import { started } from '../contract/samples.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

const TEXT = 'What is written here is kept.'
const ID = 'a'.repeat(32) as AttachmentId

/** A data directory with a conversation and an attachment, and where a backup of it may go. */
async function kept(): Promise<{ dataDir: string; attachment: string; folder: string; file: string }> {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  await started(store)
  const digest = createHash('sha256').update(TEXT).digest('base64url')
  await store.addUpload({ id: ID, name: undefined, mediaType: 'text/plain', bytes: TEXT.length, digest }, 1, 'me')
  await store.close()
  const attachment = join(dataDir, 'attachments', ID)
  mkdirSync(join(dataDir, 'attachments'), { recursive: true })
  writeFileSync(attachment, TEXT)
  const folder = temporaryDir()
  return { dataDir, attachment, folder, file: join(folder, 'backup') }
}

it('a backup whose name is taken while it is made leaves what took it, and nothing of its own', async () => {
  const { dataDir, folder, file } = await kept()
  const made = backUp(dataDir, file)
  writeFileSync(file, 'mine')
  await expect(made).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringMatching(/is there already. A backup replaces nothing/),
  })
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(readdirSync(folder)).toEqual(['backup'])
})

it.each([
  ['is gone', async () => {}, { message: expect.stringMatching(/^Attachments vanish .* claude-proxy integrity$/) }],
  [
    'is not what it was',
    async (path: string) => writeFileSync(path, TEXT.toUpperCase()),
    { code: 'storage_unavailable', message: `The attachment ${ID} is not what it was: it is damaged.` },
  ],
  ['cannot be read', async (path: string) => mkdirSync(path), { code: 'EISDIR' }],
])('an attachment that %s fails the backup, and no file appears', async (_, put, refusal) => {
  const { dataDir, attachment, folder, file } = await kept()
  rmSync(attachment)
  await put(attachment)
  await expect(backUp(dataDir, file)).rejects.toMatchObject(refusal)
  expect(readdirSync(folder)).toEqual([])
})

it('a backup into a folder that is not there says so', async () => {
  const { dataDir, folder } = await kept()
  await expect(backUp(dataDir, join(folder, 'missing', 'backup'))).rejects.toMatchObject({ code: 'ENOENT' })
})

it('a backup in which rows refer to what is not there is refused', async () => {
  const { dataDir, file } = await kept()
  await backUp(dataDir, file)
  const db = connect(file)
  db.exec('PRAGMA foreign_keys = OFF; DELETE FROM conversation')
  db.close()
  const elsewhere = temporaryDir()
  const put = restore({ file, dataDir: elsewhere, aside: false, now: new Date(0), log: silent, settle: async () => {} })
  await expect(put).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringMatching(/backup is damaged: a row of \w+ refers to one of conversation that is not there$/),
  })
  expect(readdirSync(elsewhere)).toEqual([])
})
