import { createHash } from 'node:crypto'
import { cpSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import { openAttachmentFiles } from '../../src/store/sqlite/attachment-files.ts'
import { integrityOf } from '../../src/store/sqlite/integrity.ts'
import { connect } from '../../src/store/sqlite/open.ts'
import { newRun, started } from '../contract/samples.ts'
import { sealing } from '../../src/store/sqlite/seal.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { silent, temporaryDir, temporaryStore } from './temporary.ts'

const RESULT = '{"type":"result"}'
const LAST = '(SELECT max(k) FROM chunk WHERE c = 1)'
const ID = 'a'.repeat(32) as AttachmentId

/** A data directory with a conversation of two runs, an attachment, and something deleted. */
async function filled(): Promise<string> {
  const dataDir = temporaryDir()
  cpSync(await (template ??= fill()), dataDir, { recursive: true })
  return dataDir
}

let template: Promise<string> | undefined
afterAll(async () => rmSync((await template) ?? '', { recursive: true, force: true }))

async function fill(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'store-test-'))
  const store = await openSqliteStore({ dataDir, log: silent })
  const { id, folder, run } = await started(store)
  await store.append(run.id, ['{"n":2}', '{"n":3}'], 2)
  const usage = [{ model: 'm', inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheCreationTokens: 4 }]
  await store.endRun(run.id, [RESULT], 3, { outcome: 'success', usage, facts: {} })
  const files = openAttachmentFiles(dataDir)
  const bytes = Buffer.from('hello')
  await files.put(ID, [bytes], () => Promise.resolve())
  const digest = createHash('sha256').update(bytes).digest('base64url')
  const attachment = { id: ID, name: undefined, mediaType: 'text/plain', bytes: 5, digest } as const
  const second = newRun({ name: id, folder, attachments: [{ ...attachment, isNew: true }] })
  await store.beginRun(second)
  await store.endRun(second.id, [RESULT], 5)
  const gone = await started(store)
  await store.endRun(gone.run.id, [RESULT], 3)
  await store.deleteConversation(gone.id)
  await started(store)
  await store.close()
  return dataDir
}

it('finds nothing where nothing is wrong, also while a service has the data and a run goes on', async () => {
  const dataDir = await filled()
  const well = { conversations: 2, events: 7, attachments: 1, findings: [] }
  expect(await integrityOf(dataDir)).toEqual(well)
  await temporaryStore(dataDir)
  expect(await integrityOf(dataDir)).toEqual(well)
})

it.each<[string, string, RegExp]>([
  // Sealing may have made one row of them all, or not.
  ['a number left out', `UPDATE chunk SET first = first + 1 WHERE k = ${LAST}`, /event \d should be where \d is/],
  ['the last row gone', `DELETE FROM chunk WHERE k = ${LAST}`, /ends with \d instead of 6/],
  ['a head that is behind', 'UPDATE conversation SET head = 3 WHERE head = 6', /ends with 6 instead of 3/],
  ['sealed beyond the end', 'UPDATE conversation SET sealed = 99 WHERE head = 6', /sealed up to 99/],
  [
    'a line that is no JSON',
    "UPDATE chunk SET lines = '{' || char(10) WHERE n = 1 AND first = 1",
    /from 1 on cannot be/,
  ],
  ['a line too many', "UPDATE chunk SET lines = lines || '{}' || char(10) WHERE c = 1", /on cannot be read/],
  ['a run without its end', "UPDATE run SET last = NULL WHERE first = 1 AND state = 'ended'", /not where it should be/],
  ['a run that ends elsewhere', 'UPDATE run SET last = 3 WHERE last = 4', /has ended without a result/],
  ['runs one in the other', 'UPDATE run SET first = 4 WHERE first = 5', /begins before the one before it ends/],
  [
    'events that nothing leads to',
    'DELETE FROM position WHERE first = 1 AND c = 1',
    /from 1 on are kept, but not found/,
  ],
  ['a position of nothing', 'UPDATE position SET k = 999 WHERE first = 1 AND c = 1', /from 1 on are not where they/],
  ['old behind young', 'UPDATE position SET young = (first = 1) WHERE c = 1', /from \d on are not where they should/],
  ['sums that are others', 'UPDATE used SET input_tokens = 7 WHERE c <> 0', /its sums/],
  ['a row that refers to nothing', 'PRAGMA foreign_keys = OFF; UPDATE chunk SET c = 77 WHERE c = 1', /is not there/],
])('finds %s', async (_, damage, finding) => {
  const dataDir = await filled()
  const db = connect(join(dataDir, 'claude-proxy.db'))
  db.exec(damage)
  db.close()
  const { findings } = await integrityOf(dataDir)
  expect(findings.join('\n')).toMatch(finding)
})

const ODD = "INSERT INTO chunk (k, c, first, n, at, lines) VALUES (-1, 1, 7, 1, 0, '{}' || char(10))"

it.each<[string, string, RegExp]>([
  ['commits that are others', "UPDATE chunk_order SET commits = x'0101'", /not made of the commits/],
  ['a commit too few', "UPDATE chunk_order SET commits = x'05', last = k", /not made of the commits/],
  ['a last commit that is another', 'UPDATE chunk_order SET last = last + 9', /not made of the commits/],
  ['commits too far apart', "UPDATE chunk_order SET commits = x'05FF7F01', last = k + 16383", /spread too far/],
  ['events that come before those that they follow', ODD, /come in the feed before those that they follow/],
  ['a commit twice', 'UPDATE chunk SET k = (SELECT k + 1 FROM chunk_order) WHERE c = 3', /a commit that others have/],
  [
    'an end that is too early',
    'UPDATE feed SET last = 0; UPDATE chunk SET k = k - 100 WHERE c > 1',
    /behind the end of the feed/,
  ],
  ['a writer of the future', "INSERT INTO life VALUES (99, 'x')", /a writer \(x\) from 99 on/],
])('finds in the feed %s', async (_, damage, finding) => {
  const dataDir = await filled()
  const db = connect(join(dataDir, 'claude-proxy.db'))
  const seal = sealing(db)
  while (seal.isDue()) seal.step()
  expect((await integrityOf(dataDir)).findings).toEqual([])
  db.exec(damage)
  db.close()
  expect((await integrityOf(dataDir)).findings.join('\n')).toMatch(finding)
})

it('finds an attachment that is gone, and one that is another', async () => {
  const dataDir = await filled()
  const path = join(dataDir, 'attachments', ID)
  writeFileSync(path, 'hollo')
  expect((await integrityOf(dataDir)).findings).toEqual([`attachment ${ID} is not what it was`])
  rmSync(path)
  expect((await integrityOf(dataDir)).findings).toEqual([
    expect.stringMatching(/^attachment a+ cannot be read: ENOENT/),
  ])
})

it('finds pages that the disk has lost', async () => {
  const dataDir = await filled()
  const path = join(dataDir, 'claude-proxy.db')
  const db = connect(path)
  const { rootpage = 0 } =
    db.prepare<{ rootpage: number }>("SELECT rootpage FROM sqlite_schema WHERE name = 'chunk'").get() ?? {}
  db.close()
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(2048, 7), 0, 2048, (rootpage - 1) * 4096)
  closeSync(file)
  expect((await integrityOf(dataDir)).findings).not.toEqual([])
})
