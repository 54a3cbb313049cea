import { describe, expect, test } from 'vitest'
import type { Account } from '../../src/core/ports/account.ts'
import type { GitStatus } from '../../src/core/ports/git.ts'
import type { Run } from '../../src/core/ports/run.ts'
import type { Hits } from '../../src/core/search/search.ts'
import type { ListedSession } from '../../src/core/sessions.ts'
import type { Workspace } from '../../src/core/workspace.ts'
import { accountBody, settingsBody, upToNow } from '../../src/http/account-body.ts'
import { details, type DetailsDeps } from '../../src/http/conversation-body.ts'
import { gitRoutes } from '../../src/http/routes/git.ts'
import { searchRoutes } from '../../src/http/routes/search.ts'
import { sessionRoutes } from '../../src/http/routes/sessions.ts'
import type { Exchange } from '../../src/http/routes.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, started } from '../contract/samples.ts'

/** What a client reads of what is not known: null, and never a field that is missing or made up. */

const counts = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheCreationTokens: 4 }
const asked = (url: string) => ({ request: { url }, signal: () => new AbortController().signal }) as unknown as Exchange

describe('the account of a conversation', () => {
  const account = (more: Partial<Account>): Account => ({ runs: 1, usage: [], newest: undefined, facts: {}, ...more })

  test('says null where the agent has said nothing', () => {
    expect(accountBody(account({ usage: [{ model: 'm', ...counts }] }))).toEqual({
      runs: 1,
      cost_usd: null,
      usage: {
        input_tokens: 1,
        output_tokens: 2,
        cache_read_input_tokens: 3,
        cache_creation_input_tokens: 4,
      },
      context: null,
      rate_limit: null,
    })
    expect(accountBody(account({ facts: { contextTokens: 5, rateLimit: { status: 'allowed' } } }))).toMatchObject({
      context: { tokens: 5, window: null, percent: null },
      rate_limit: { status: 'allowed', type: null, used: null, resets_at: null },
    })
  })

  test('adds up what models cost whose cost is known, and says all that is known of a limit', () => {
    const usage = [
      { model: 'a', ...counts, costUsd: 0.5 },
      { model: 'b', ...counts },
      { model: 'c', ...counts, costUsd: 0.25 },
    ]
    const rateLimit = { status: 'allowed_warning', type: 'five_hour', used: 0.9, resetsAt: 0 }
    expect(accountBody(account({ usage, facts: { contextTokens: 5, contextWindow: 40, rateLimit } }))).toMatchObject({
      cost_usd: 0.75,
      usage: { input_tokens: 3 },
      context: { tokens: 5, window: 40, percent: 12.5 },
      rate_limit: { status: 'allowed_warning', type: 'five_hour', used: 0.9, resets_at: '1970-01-01T00:00:00.000Z' },
    })
  })

  test('has what a run under way adds, and not twice when that has ended meanwhile', () => {
    const run = { id: fresh().run } as Run
    const underWay = { run, tally: { usage: [{ model: 'm', ...counts }], facts: { model: 'm' } } }
    const before = account({ usage: [{ model: 'm', ...counts }] })
    expect(upToNow(before, underWay)).toMatchObject({ usage: [{ inputTokens: 2 }], facts: { model: 'm' } })
    const after = { ...before, newest: run.id }
    expect(upToNow(after, underWay)).toBe(after)
  })

  test('names the mode that the agent is in only while it is under way', () => {
    const facts = { model: 'm', permissionMode: 'plan' }
    expect(settingsBody({}, facts, false)).toEqual({
      model: { asked: null, in_use: 'm' },
      effort: { asked: null, in_use: null },
      permission_mode: { asked: null, in_use: 'default' },
    })
    expect(settingsBody({ permissionMode: 'acceptEdits' }, {}, true).permission_mode.in_use).toBe('acceptEdits')
    expect(settingsBody({ permissionMode: 'acceptEdits' }, facts, true).permission_mode.in_use).toBe('plan')
  })

  test('of one that is deleted while it is looked up is unknown', async () => {
    const store = createMemoryStore()
    const { id } = await started(store)
    const conversation = await store.conversation(id)
    if (!conversation) throw new Error('it was begun')
    const deps = { store: { ...store, account: async () => undefined } } as unknown as DetailsDeps
    await expect(details(deps, conversation)).rejects.toMatchObject({ code: 'conversation_unknown' })
  })
})

test('a session of which the agent keeps no more than its name says so', async () => {
  const nothing = { title: undefined, firstPrompt: undefined, gitBranch: undefined, beganAt: undefined }
  const session: ListedSession = { id: 's', conversation: undefined, ...nothing, usedAt: 0, bytes: 1, isInUse: false }
  const sessions = { list: async () => ({ sessions: [session], next: undefined }) }
  const routes = sessionRoutes({ sessions } as unknown as Parameters<typeof sessionRoutes>[0])
  const began = '1970-01-01T00:00:00.000Z'
  expect(await routes.sessions(asked('/v1/sessions?cwd=/x'))).toEqual({
    sessions: [
      {
        session_id: 's',
        conversation_id: null,
        title: null,
        first_prompt: null,
        git_branch: null,
        created_at: null,
        active_at: began,
        bytes: 1,
        in_use: false,
      },
    ],
    next_cursor: null,
  })
})

test('a hit in a conversation without a title, in an event without a time, is told all the same', async () => {
  const store = createMemoryStore()
  const { id, folder } = fresh()
  const conversation = await store.createConversation({ id, folder, cwd: folder, title: undefined, at: 1 })
  if (!conversation) throw new Error('the id is new')
  const snippet = { text: 'pumpernickel', ranges: [[0, 12] as const] }
  const hit = { conversation, number: 3, kind: 'answer', timestamp: undefined, snippet } as const
  const found: Hits = { hits: [hit], next: undefined, isLevel: true }
  const search = { hits: async () => found }
  const routes = searchRoutes({ search } as unknown as Parameters<typeof searchRoutes>[0])
  expect(await routes.search(asked('/v1/search?q=pumpernickel'))).toEqual({
    hits: [{ conversation_id: id, cwd: folder, title: null, event_id: 3, kind: 'answer', timestamp: null, snippet }],
    next_cursor: null,
    up_to_date: true,
  })
})

test('a file that is staged alone has nothing that is not, and the other way round', async () => {
  const files = [
    { path: Buffer.from('a'), staged: 'modified', unstaged: undefined },
    { path: Buffer.from('b'), staged: undefined, unstaged: 'untracked' },
  ] as const
  const status: GitStatus = { top: '/x', branch: undefined, commit: undefined, files, isCut: false }
  const workspace = { status: async () => status } as unknown as Workspace
  expect(await gitRoutes({ workspace }).gitStatus(asked('/v1/git/status?cwd=/x'))).toEqual({
    repository: '/x',
    branch: null,
    commit: null,
    files: [
      { path: 'a', staged: 'modified', unstaged: null },
      { path: 'b', staged: null, unstaged: 'untracked' },
    ],
    truncated: false,
  })
})
