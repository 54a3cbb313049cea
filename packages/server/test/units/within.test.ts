import { describe, expect, test } from 'vitest'
import { AppError } from '@claude-proxy/protocol/errors'
import type { ApprovalId, AttachmentId, Folder } from '@claude-proxy/protocol/ids'
import { attachmentsWithin, rulesWithin, storeWithin, withoutElsewhere } from '../../src/core/access/within.ts'
import type { Attachments } from '../../src/core/attachments/attachments.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { QUARTER_MS } from '../../src/core/ports/usage.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { added, fresh, newPrompt, newRun } from '../contract/samples.ts'

const MINE = '/work/mine' as Folder
/** Begins as mine does, and is not below it. */
const THEIRS = '/work/mine-not' as Folder
const at = 1

/** All that a folder can have, one of each, and by what it is found. */
async function furnish(store: Store, folder: Folder) {
  const { id } = fresh()
  const key = { key: 'one for both', digest: 'd' }
  const failed = newRun({ name: id, folder, key })
  await store.beginRun(failed)
  const counts = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheCreationTokens: 0 }
  const usage = [{ model: 'm', ...counts }]
  await store.endRun(failed.id, ['{}'], at, { outcome: 'agent_failed', error: 'It failed.', usage, facts: {} })
  const open = newRun({ name: id, folder })
  await store.beginRun(open)
  const approval = fresh().run as string as ApprovalId
  const request = { kind: 'tool', tool: 'Bash', input: {}, suggestions: [], rules: ['Bash'] } as const
  const question = { ...request, toolUseId: undefined, blockedPath: undefined }
  await store.append(open.id, ['{"asked":1}'], at, [
    { id: approval, request: question, askedAt: at, deadline: undefined },
  ])
  const rule = fresh().run as string
  const settlement = { decision: { behavior: 'allow' }, by: 'a phone', at } as const
  const remember = [{ id: rule, scope: 'project', rule: 'Bash' } as const]
  await store.settleApproval({ id: approval, state: 'allowed', settlement, line: '{}', remember })
  const file = { id: fresh().run as string as AttachmentId, name: 'a.txt', bytes: 1, digest: 'd' }
  await store.addUpload({ ...file, mediaType: 'text/plain' }, at, 'a phone')
  const attachments = [{ ...file, mediaType: 'text/plain' } as const]
  const prompt = await added(store, newPrompt({ name: id, folder, attachments }))
  const session = crypto.randomUUID()
  await store.setSession(id, session, at)
  await store.addAudit({ at, who: 'operator', agent: undefined, from: undefined, action: 'send', folder })
  return { id, folder, run: failed.id, key, approval, rule, file: file.id, prompt: prompt.id, session }
}

type Furnished = Awaited<ReturnType<typeof furnish>>

/** A store with two folders, and as somebody sees it who may see one of them. */
async function world() {
  const store = createMemoryStore()
  const mine = await furnish(store, MINE)
  const theirs = await furnish(store, THEIRS)
  return { store, seen: storeWithin(store, [MINE]), mine, theirs }
}

/** What is looked up by what leads to it, and what is there for who may not see it. */
const LOOKS: [what: string, look: (store: Store, by: Furnished) => Promise<unknown>, hidden: unknown][] = [
  ['a conversation', (store, { id }) => store.conversation(id), undefined],
  ['what a name stands for', (store, { id }) => store.resolve(id), undefined],
  ['the conversation of a folder', (store, { folder }) => store.canonical(folder), undefined],
  ['the conversation of a session', (store, { session }) => store.conversationOfSession(session), undefined],
  ['the list of a folder', (store, { folder }) => store.conversations({ folder, limit: 9 }), []],
  ['a run', (store, { run }) => store.run(run), undefined],
  ['the run that is open', (store, { folder }) => store.openRun(folder), undefined],
  ['an account', (store, { id }) => store.account(id), undefined],
  ['what went wrong last', (store, { id }) => store.lastError(id), undefined],
  [
    'what was used',
    (store, { folder }) => store.usage({ by: 'model', periods: [{ from: 0, to: QUARTER_MS }], folder, limit: 9 }),
    [],
  ],
  ['a prompt', (store, { prompt }) => store.prompt(prompt), undefined],
  ['a queue', (store, { folder }) => store.queuedPrompts(folder), []],
  ['a request that has come before', (store, { folder, key }) => store.requestOf(folder, key), undefined],
  ['an approval', (store, { approval }) => store.approval(approval), undefined],
  ['the approvals of a conversation', (store, { id }) => store.approvals({ conversation: id, limit: 9 }), []],
  ['the rules of a folder', (store, { folder }) => store.approvalRules({ folder }), []],
  ['a file that a prompt has brought', (store, { file }) => store.attachment(file), undefined],
]

describe('for who may see one folder', () => {
  test.each(LOOKS)('%s is there in it, and is not in another', async (_, look, hidden) => {
    const { store, seen, mine, theirs } = await world()
    expect(await look(store, theirs)).not.toEqual(hidden)
    expect(await look(seen, theirs)).toEqual(hidden)
    expect(await look(seen, mine)).not.toEqual(hidden)
    expect(await look(seen, mine)).toEqual(await look(store, mine))
  })

  test('the events of a conversation can be read in it, elsewhere they are refused, and of none there is nothing', async () => {
    const { store, seen, mine, theirs } = await world()
    expect(await seen.page(mine.id, 0, 1000)).toEqual(await store.page(mine.id, 0, 1000))
    await expect(seen.page(theirs.id, 0, 1000)).rejects.toMatchObject({ code: 'forbidden_folder' })
    expect(await seen.page(fresh().id, 0, 1000)).toMatchObject({ count: 0 })
  })

  test('the feed and the audit trail tell of it alone, and the place in the feed goes on behind all', async () => {
    const { store, seen, mine } = await world()
    const all = await store.feed(undefined, undefined, 10_000)
    const page = await seen.feed(undefined, undefined, 10_000)
    expect(new Set(page.batches.map(({ conversation }) => conversation))).toEqual(new Set([mine.id]))
    expect(page.next).toEqual(all.next)
    expect((await seen.audit({ limit: 9 })).map(({ folder }) => folder)).toEqual([MINE])
  })

  test('a conversation can be made, changed and deleted in it, and nothing of that elsewhere', async () => {
    const { store, seen, mine, theirs } = await world()
    const forbidden = { code: 'forbidden_folder' }
    for (const change of [
      (folder: Folder) => seen.createConversation({ id: fresh().id, folder, cwd: folder, title: undefined, at }),
      (folder: Folder) => seen.ensureCanonical({ id: fresh().id, folder, cwd: folder, at }),
      (folder: Folder) => seen.activate({ id: fresh().id, folder, cwd: folder, at }),
    ]) {
      await expect(change(THEIRS)).rejects.toMatchObject(forbidden)
      expect(await change(`${MINE}/below` as Folder)).toBeDefined()
    }
    expect(await store.conversations({ folder: THEIRS, limit: 9 })).toHaveLength(1)

    expect(await seen.changeConversation(theirs.id, { title: 'x' })).toBeUndefined()
    const set = { from: {}, to: { model: 'm' }, line: '{"set":1}', at }
    expect(await seen.changeSettings({ id: theirs.id, ...set })).toEqual({ status: 'unknown' })
    expect(await seen.removeApprovalRule(theirs.rule)).toBe(false)
    expect(await seen.removeApprovalRule('no rule')).toBe(false)
    expect(await seen.deleteConversation(theirs.id)).toEqual({ status: 'unknown' })
    expect(await store.conversation(theirs.id)).toMatchObject({ title: 'hi' })
    expect(await store.approvalRules({ folder: THEIRS })).toHaveLength(1)

    expect(await seen.changeConversation(mine.id, { title: 'x' })).toMatchObject({ title: 'x' })
    expect(await seen.changeSettings({ id: mine.id, ...set })).toMatchObject({ status: 'changed' })
    expect(await seen.removeApprovalRule(mine.rule)).toBe(true)
    const { id } = (await seen.canonical(`${MINE}/below` as Folder)) ?? mine
    expect(await seen.deleteConversation(id)).toEqual({ status: 'deleted' })
  })

  test('a file is sent and read that is theirs or that nobody has used yet, and no other', async () => {
    const { store, seen, mine, theirs } = await world()
    const unused = { id: fresh().run as string as AttachmentId, mediaType: 'text/plain', bytes: 1 } as const
    await store.addUpload({ ...unused, name: undefined, digest: 'd' }, at, 'a phone')
    const passed: unknown[] = []
    const files = attachmentsWithin(
      {
        receive: async (given: unknown) => void passed.push(given),
        open: async (id: unknown) => void passed.push(id),
      } as unknown as Attachments,
      seen,
    )
    const unknown = { code: 'upload_unknown' }
    await expect(files.open(theirs.file)).rejects.toMatchObject(unknown)
    await expect(files.receive([{ upload_id: mine.file }, { upload_id: theirs.file }])).rejects.toMatchObject(unknown)
    expect(passed).toEqual([])
    const given = [{ upload_id: mine.file }, { upload_id: unused.id }, { data: 'aGVsbG8=' }]
    await files.receive(given)
    await files.receive(undefined)
    await files.open(mine.file)
    expect(passed).toEqual([given, undefined, mine.file])
  })
})

test.each([
  [[], ['/a', '/b'], ['/a', '/b']],
  [['/a'], ['/a/x', '/b'], ['/a/x']],
  [['/a/x', '/c'], ['/a'], ['/a/x']],
  [['/a'], ['/a'], ['/a']],
])('of the operator’s %j a token for %j leaves %j', (allowedRoots, roots, left) => {
  const rules = { allowedRoots, trustedRoots: ['/t'] }
  expect(rulesWithin(rules, roots)).toEqual({ allowedRoots: left, trustedRoots: ['/t'] })
})

test('a token that the operator’s folders leave nothing of opens nothing, and not everything', () => {
  const rules = { allowedRoots: ['/a'], trustedRoots: [] }
  expect(() => rulesWithin(rules, ['/ab', '/b'])).toThrow(/outside the folders/)
})

test('that a conversation is elsewhere is told to who may know where', () => {
  const told = (expected: string) =>
    withoutElsewhere(
      new AppError('conversation_cwd_mismatch', `It belongs to ${expected}.`, { expected_cwd: expected }),
      [MINE],
    )
  expect(told(MINE)).toMatchObject({ code: 'conversation_cwd_mismatch', message: `It belongs to ${MINE}.` })
  expect(JSON.stringify([told(THEIRS), String(told(THEIRS))])).not.toContain(THEIRS)
  expect(told(THEIRS)).toMatchObject({ code: 'conversation_exists' })
  const other = new Error('disk full')
  expect(withoutElsewhere(other, [MINE])).toBe(other)
})
