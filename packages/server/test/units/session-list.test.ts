import { realpathSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { AgentSession, Sessions } from '../../src/core/ports/sessions.ts'
import { createSessionList } from '../../src/core/sessions.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { allLines, endOf, fresh, newRun } from '../contract/samples.ts'

const session: AgentSession = {
  id: 'session',
  title: undefined,
  firstPrompt: undefined,
  gitBranch: undefined,
  beganAt: undefined,
  usedAt: 1,
  bytes: 1,
  isInUse: false,
}

/** A folder whose agent says of its session, each time that it is asked, what comes next of `told`. */
function folderWith(...told: (Partial<AgentSession> | undefined)[]) {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-sessions-')))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const store = createMemoryStore()
  const sessions = {
    async find() {
      const more = told.length > 1 ? told.shift() : told[0]
      return more && { ...session, ...more }
    },
    async *read() {
      yield ['{"n":1}', '{"n":2}']
    },
  } as unknown as Sessions
  const list = createSessionList({
    store,
    clock: { now: () => 1 },
    rules: { allowedRoots: [], trustedRoots: [] },
    sessions,
    newConversationId: () => fresh().id,
  })
  const usual = { session: 'session', id: undefined, cwd, title: undefined, tags: undefined }
  return { store, cwd: cwd as Folder, adopt: (more = {}) => list.adopt({ ...usual, ...more }) }
}

test.each([
  ['by the title that it is given', { title: 'Mine' }, { title: 'Theirs', firstPrompt: 'Hello' }, 'Mine'],
  ['else by its own title', {}, { title: 'Theirs', firstPrompt: 'Hello' }, 'Theirs'],
  ['else by its first prompt', {}, { firstPrompt: 'Hello\nand more' }, 'Hello'],
  ['else by none', {}, {}, undefined],
])('a session that is adopted is called %s', async (_, asked, told, title) => {
  const { store, adopt } = folderWith(told)
  const adopted = await adopt(asked)
  expect(adopted).toMatchObject({ title, sessionId: 'session', head: 3 })
  expect((await allLines(store, adopted.id)).slice(0, 2)).toEqual(['{"n":1}', '{"n":2}'])
})

test('a session that is opened elsewhere while it is read is not adopted, and nothing is left of it', async () => {
  const { store, cwd, adopt } = folderWith({}, { isInUse: true })
  await expect(adopt()).rejects.toMatchObject({ code: 'session_in_use' })
  expect(await store.conversations({ folder: cwd, limit: 9 })).toEqual([])
})

test('a session whose file goes away when it was read is adopted with what it was', async () => {
  const { adopt } = folderWith({}, undefined)
  expect(await adopt()).toMatchObject({ head: 3 })
})

test('an id that another conversation has is refused, and that one stays as it was', async () => {
  const { store, cwd, adopt } = folderWith({})
  const { id } = fresh()
  await endOf(store, newRun({ name: id, folder: cwd }))
  const before = await allLines(store, id)
  await expect(adopt({ id })).rejects.toMatchObject({ code: 'conversation_exists' })
  expect(await allLines(store, id)).toEqual(before)
  expect(await store.conversationOfSession('session')).toBeUndefined()
})
