import { expect, it } from 'vitest'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { Store } from '../../src/core/ports/store.ts'
import { type Policy, prune, retain } from '../../src/core/retention.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { newRun } from '../contract/samples.ts'

const SIZE = 10_000
const NOW = 100_000

/** Conversations c1, c2 … with so many bytes each, active in this order; a folder of 70 of them needs more than one look. */
async function filled(count: number): Promise<Store> {
  const store = createMemoryStore()
  const folder = '/folder' as Folder
  for (let n = 1; n <= count; n++) {
    const id = ConversationId.parse(`c${n}`)
    await store.createConversation({ id, folder, cwd: folder, title: undefined, at: n })
    const run = newRun({ name: id, folder, isOwn: true, at: n, line: JSON.stringify('x'.repeat(SIZE - 8)) })
    await store.beginRun(run)
    await store.endRun(run.id, ['{}'], n)
  }
  return store
}

async function pruned(store: Store, policy: Partial<Policy>, isDry = false): Promise<string[]> {
  const found = prune({ store, policy: { archivedFirst: false, ...policy }, now: NOW, isDry })
  return (await Array.fromAsync(found)).map(({ id }) => id)
}

const left = async (store: Store) => (await store.atRest({ activeBefore: NOW, limit: 1000 })).map(({ id }) => id)

it('what is older goes, however much it is, and nothing else', async () => {
  const store = await filled(130)
  expect(await pruned(store, { olderThanMs: NOW - 121 }, true)).toHaveLength(120)
  expect(await left(store)).toHaveLength(130)
  expect(await pruned(store, { olderThanMs: NOW - 121 })).toHaveLength(120)
  expect(await left(store)).toEqual([121, 122, 123, 124, 125, 126, 127, 128, 129, 130].map((n) => `c${n}`))
})

it('the oldest go until what is left fits', async () => {
  const store = await filled(10)
  const policy = { keepBytes: 7.5 * SIZE }
  expect(await pruned(store, policy, true)).toEqual(['c1', 'c2', 'c3'])
  expect(await pruned(store, policy)).toEqual(['c1', 'c2', 'c3'])
  expect(await pruned(store, policy)).toEqual([])
})

it('those put away go first, if that is wanted; then the others', async () => {
  const store = await filled(6)
  for (const n of [3, 5]) await store.changeConversation(ConversationId.parse(`c${n}`), { isArchived: true })
  expect(await pruned(store, { keepBytes: 3.5 * SIZE, archivedFirst: true }, true)).toEqual(['c3', 'c5', 'c1'])
  expect(await pruned(store, { keepBytes: 3.5 * SIZE, archivedFirst: true })).toEqual(['c3', 'c5', 'c1'])
})

it('both limits together delete no more than they have to', async () => {
  const store = await filled(10)
  expect(await pruned(store, { olderThanMs: NOW - 4, keepBytes: 7.5 * SIZE })).toEqual(['c1', 'c2', 'c3'])
})

it('while something is still being removed, nothing is deleted for its size', async () => {
  const store = await filled(3)
  const busy = { ...store, footprint: async () => ({ bytes: 1e12, isSettled: false }) }
  expect(await pruned(busy, { keepBytes: 1 })).toEqual([])
})

it('what somebody has come back to meanwhile stays, and the next one goes in its place', async () => {
  const store = await filled(5)
  const busy: Store = {
    ...store,
    pruneConversation: async (id, before) => id !== 'c1' && store.pruneConversation(id, before),
  }
  expect(await pruned(busy, { keepBytes: 3.5 * SIZE })).toEqual(['c2', 'c3'])
  expect(await left(store)).toEqual(['c1', 'c4', 'c5'])
})

it('what would go for its age is not counted once more for its size', async () => {
  const store = await filled(4)
  expect(await pruned(store, { olderThanMs: NOW - 3, keepBytes: 0 }, true)).toEqual(['c1', 'c2', 'c3', 'c4'])
})

/** The service's own rounds over `store`, and what the log is told of them. */
function retaining(store: Store, onPruned: (id: string) => void = () => {}) {
  const complaints: string[] = []
  const log = { info() {}, warn: (message: string) => void complaints.push(message), error() {} }
  const policy = { olderThanMs: 1, archivedFirst: false }
  const told = ({ id }: { readonly id: string }) => onPruned(id)
  return { complaints, rounds: retain({ store, policy, clock: { now: () => NOW }, log, onPruned: told }) }
}

it('a stop comes between two conversations, and the rest is left to the next start', async () => {
  const store = await filled(3)
  const { promise: isFirst, resolve } = Promise.withResolvers<string>()
  const { rounds, complaints } = retaining(store, resolve)
  const stopped = rounds[Symbol.asyncDispose]()
  expect(await isFirst).toBe('c1')
  await stopped
  expect(await left(store)).toEqual(['c2', 'c3'])
  expect(complaints).toEqual([])
})

it('that nothing can be deleted is told, unless it is because of the stop', async () => {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const store = { ...(await filled(1)), footprint: () => failed }
  const running = retaining(store)
  const stopping = retaining(store)
  const stopped = stopping.rounds[Symbol.asyncDispose]()
  reject(new Error('the store is closed'))
  await stopped
  await expect.poll(() => running.complaints).toEqual(['old conversations could not be deleted'])
  expect(stopping.complaints).toEqual([])
  await running.rounds[Symbol.asyncDispose]()
})
