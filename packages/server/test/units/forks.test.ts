import { realpathSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Folder } from '@claude-proxy/protocol/ids'
import { createForks } from '../../src/core/forks.ts'
import type { Forked, ForkRequest, Sessions } from '../../src/core/ports/sessions.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { allLines, fresh, newRun } from '../contract/samples.ts'

const said = (uuid?: string) => JSON.stringify({ type: 'assistant', uuid })
const other = '{"type":"system"}'

/** A conversation with these events, and an agent that can cut its session where `cut` says. */
async function source(lines: readonly string[], cut: (at: string | undefined) => Forked, more: Partial<Store> = {}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-forks-'))) as Folder
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const memory = createMemoryStore()
  const { id } = fresh()
  const [line = '', ...rest] = lines
  const run = newRun({ name: id, folder, line })
  await memory.beginRun(run)
  await memory.endRun(run.id, [...rest, other], 1)
  await memory.setSession(id, 'session', 1)
  const asked: ForkRequest[] = []
  const fork = async (request: ForkRequest) => {
    asked.push(request)
    return cut(request.at)
  }
  const forks = createForks({
    store: { ...memory, ...more },
    clock: { now: () => 1 },
    rules: { allowedRoots: [], trustedRoots: [] },
    sessions: { fork } as unknown as Sessions,
    newConversationId: () => fresh().id,
  })
  const forkAt = (from?: number, title?: string) => forks.fork(id, { from, title })
  return { memory, folder, id, asked, forkAt }
}

const uncut = (...possible: string[]): Forked => ({ status: 'uncut', possible })
const forked: Forked = { status: 'forked', session: 'branch' }

test('where the memory cannot be cut, the error names the events around it where it can', async () => {
  const lines = [said('a'), said('b'), said('c'), said('d')]
  const between = await source(lines, () => uncut('a', 'd'))
  const refused = { code: 'not_a_fork_point', message: expect.stringContaining('Take event 1 or 4.') }
  await expect(between.forkAt(2)).rejects.toMatchObject({ ...refused, details: { before: 1, after: 4 } })
  const behind = await source(lines, () => uncut('c'))
  await expect(behind.forkAt(4)).rejects.toMatchObject({ details: { before: 3, after: null } })
  const nowhere = await source(lines, () => uncut())
  await expect(nowhere.forkAt(2)).rejects.toMatchObject({
    message: "The agent's memory cannot be cut after event 2.",
    details: { before: null, after: null },
  })
})

test('words that the agent has no name for are no place to cut at, and none that is offered', async () => {
  const { asked, forkAt } = await source([said('a'), said(), said('c')], (at) => (at === 'a' ? forked : uncut('a')))
  await expect(forkAt(2)).rejects.toMatchObject({ details: { before: 1, after: null } })
  expect(asked).toMatchObject([{ at: '', others: ['a', 'c'] }])
  expect(await forkAt(1)).toMatchObject({ sessionId: 'branch', head: 2 })
})

test('a conversation at rest is forked at its end as it is, however it ends', async () => {
  const { asked, memory, forkAt } = await source([said('a'), said()], (at) => (at === undefined ? forked : uncut()))
  const branch = await forkAt()
  expect(asked.map(({ at }) => at)).toEqual(['', undefined])
  expect(branch).toMatchObject({ sessionId: 'branch', title: 'hi (fork)' })
  expect((await allLines(memory, branch.id)).slice(0, 3)).toEqual([said('a'), said(), other])
})

test('while its agent works, it is not', async () => {
  const { asked, memory, folder, id, forkAt } = await source([said('a')], () => uncut())
  await memory.beginRun(newRun({ name: id, folder, line: said() }))
  await expect(forkAt()).rejects.toMatchObject({ code: 'not_a_fork_point' })
  expect(asked).toHaveLength(1)
})

test('a fork from before the first word has no memory, and the agent is not asked for one', async () => {
  const { asked, forkAt } = await source([other, said('a')], () => forked)
  expect(await forkAt(1, 'Mine')).toMatchObject({ sessionId: undefined, title: 'Mine', head: 2 })
  expect(asked).toEqual([])
})

test('where the agent no longer has the session, the error says that a fork would not remember it', async () => {
  const { forkAt } = await source([said('a')], () => ({ status: 'unknown' }))
  await expect(forkAt()).rejects.toMatchObject({ code: 'session_unknown', details: { session_id: 'session' } })
})

test('a conversation that is deleted while it is forked is unknown, and nothing of the fork is left', async () => {
  const dropped: string[] = []
  const { forkAt } = await source([said('a')], () => forked, {
    copyToStaged: async () => undefined,
    dropStaged: async (staged) => void dropped.push(staged),
  })
  await expect(forkAt()).rejects.toMatchObject({ code: 'conversation_unknown' })
  expect(dropped).toHaveLength(1)
})

test('one that is deleted while its words are looked through is, too', async () => {
  const empty = { first: 1, count: 0, lines: new Uint8Array(), head: 0 }
  const { forkAt } = await source([said('a')], () => forked, {
    page: async () => empty,
    copyToStaged: async () => undefined,
  })
  await expect(forkAt()).rejects.toMatchObject({ code: 'conversation_unknown' })
})

test('a place beyond the end is none', async () => {
  const { forkAt } = await source([said('a')], () => forked)
  await expect(forkAt(3)).rejects.toMatchObject({ code: 'bad_request', message: 'from is beyond the last event, 2.' })
})
