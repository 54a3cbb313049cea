import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import type { AttachmentId, ConversationId } from '@claude-proxy/protocol/ids'
import { settleRestored } from '../../src/core/runs/settle.ts'
import { backUp } from '../../src/store/sqlite/backup/backup.ts'
import { restore } from '../../src/store/sqlite/backup/restore.ts'
import { lookInto } from '../../src/store/sqlite/look.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { newPrompt, started } from '../contract/samples.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

const clock = { now: () => 7 }
const put = (file: string, dataDir: string, aside = false) =>
  restore({ file, dataDir, aside, now: new Date(0), log: silent, settle: (store) => settleRestored(store, clock) })

/** A data directory with one conversation, and its backup. */
async function backedUp(): Promise<{ dataDir: string; file: string; id: ConversationId }> {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, run } = await started(store)
  await store.endRun(run.id, ['{"type":"result"}'], 2)
  await store.close()
  mkdirSync(join(dataDir, 'attachments'))
  const file = join(temporaryDir(), 'backup')
  await backUp(dataDir, file)
  return { dataDir, file, id }
}

async function holds(dataDir: string, id: ConversationId): Promise<boolean> {
  using look = lookInto(dataDir)
  return (await look.conversation(id)) !== undefined
}

const refusal = { code: 'storage_unavailable', message: expect.stringMatching(/cut short. Run the same command again/) }

it.each([0, 1, 2, 3])('cut short after %i renamings it is refused to everybody, and done by the next', async (done) => {
  const { file, id } = await backedUp()
  const dataDir = temporaryDir()
  await put(file, dataDir)
  // As it was when so many of the two had been done.
  if (done < 3) writeFileSync(join(dataDir, 'restoring'), '')
  for (const name of ['claude-proxy.db', 'attachments'].slice(0, 2 - Math.min(done, 2)))
    renameSync(join(dataDir, name), join(temporaryDir(), name))
  if (done < 3) {
    await expect(openSqliteStore({ dataDir, log: silent })).rejects.toMatchObject(refusal)
    expect(() => lookInto(dataDir)).toThrow(/cut short/)
    await put(file, dataDir)
  }
  expect(readdirSync(dataDir).toSorted()).toEqual(['attachments', 'claude-proxy.db', 'lock.db', 'lock.pid'])
  expect(await holds(dataDir, id)).toBe(true)
})

it.each([
  ['before anything is moved', [], []],
  ['when the database is aside', ['claude-proxy.db'], []],
  ['when all is aside', ['claude-proxy.db', 'attachments'], []],
  ['when the first of the new is there', ['claude-proxy.db', 'attachments'], ['attachments']],
])('cut short %s, what was there before is aside in the end, whole', async (_, moved, placed) => {
  const { file, id } = await backedUp()
  const { dataDir, id: before } = await backedUp()
  writeFileSync(join(dataDir, 'attachments', 'old'), '')
  writeFileSync(join(dataDir, 'search.db'), '')
  writeFileSync(join(dataDir, 'restoring'), 'before')
  mkdirSync(join(dataDir, 'before'))
  for (const name of moved) renameSync(join(dataDir, name), join(dataDir, 'before', name))
  for (const name of placed) mkdirSync(join(dataDir, name))
  const { aside = '' } = await put(file, dataDir, true)
  expect(await holds(dataDir, id)).toBe(true)
  expect(aside).toBe(join(dataDir, 'before'))
  expect(await holds(aside, before)).toBe(true)
  expect(readdirSync(join(aside, 'attachments'))).toEqual(['old'])
  expect(existsSync(join(dataDir, 'search.db'))).toBe(false)
})

it('a backup that names an attachment so that it leads elsewhere is refused, and writes nothing there', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const id = 'a'.repeat(32) as AttachmentId
  const digest = createHash('sha256').update('text').digest('base64url')
  await store.addUpload({ id, name: undefined, mediaType: 'text/plain', bytes: 4, digest }, 1, 'me')
  await store.close()
  mkdirSync(join(dataDir, 'attachments'))
  writeFileSync(join(dataDir, 'attachments', id), 'text')
  const file = join(temporaryDir(), 'backup')
  await backUp(dataDir, file)
  const db = new DatabaseSync(file)
  db.exec(`UPDATE attachment SET facts = json_set(facts, '$.id', '../../evil')`)
  db.exec(`UPDATE backup_part SET attachment = '../../evil'`)
  db.close()
  const elsewhere = temporaryDir()
  await expect(put(file, elsewhere)).rejects.toMatchObject({ message: expect.stringContaining('an id that is none') })
  expect(existsSync(join(elsewhere, 'evil'))).toBe(false)
})

it('what no agent had yet is closed, and prompts that waited are taken back: both go on where they were', async () => {
  const dataDir = temporaryDir()
  const store = await temporaryStore(dataDir)
  const { id, folder, run } = await started(store)
  const claimed = await started(store)
  await store.claimRun(claimed.run.id)
  const waiting = newPrompt({ name: id, folder })
  await store.addPrompt(waiting)
  const file = join(temporaryDir(), 'backup')
  mkdirSync(join(dataDir, 'attachments'))
  await backUp(dataDir, file)
  const elsewhere = temporaryDir()
  await put(file, elsewhere)
  const restored = await temporaryStore(elsewhere)
  expect(await restored.run(run.id)).toMatchObject({ state: 'ended' })
  expect(await restored.prompt(waiting.id)).toMatchObject({ state: 'cancelled' })
  // The next start closes it, and keeps what its agent asked.
  expect(await restored.openRuns()).toMatchObject([{ id: claimed.run.id, state: 'running' }])
  expect(await store.openRuns()).toHaveLength(2)
})
