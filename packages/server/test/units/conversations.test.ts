import { expect, test } from 'vitest'
import { createConversations } from '../../src/core/conversations.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { endOf, fresh, newRun, started } from '../contract/samples.ts'

function opened(more: Partial<Store> = {}) {
  const store = createMemoryStore()
  const state = { removals: 0 }
  const conversations = createConversations({
    store: { ...store, ...more },
    clock: { now: () => 1 },
    rules: { allowedRoots: [], trustedRoots: [] },
    newConversationId: () => fresh().id,
    endSettling: async () => false,
    removeFiles: async () => void state.removals++,
  })
  return { store, state, conversations }
}

test('a conversation that is deleted takes its files along', async () => {
  const { store, state, conversations } = opened()
  const { id, folder } = fresh()
  await endOf(store, newRun({ name: id, folder }))
  await conversations.remove(id)
  expect([await store.conversation(id), state.removals]).toEqual([undefined, 1])
  await expect(conversations.remove(id)).rejects.toMatchObject({ code: 'conversation_unknown' })
})

test('one in which a run is open is not, and one that somebody else has deleted meanwhile is unknown', async () => {
  const { store, state, conversations } = opened()
  const { id } = await started(store)
  await expect(conversations.remove(id)).rejects.toMatchObject({ code: 'conversation_already_running' })
  expect([(await store.conversation(id))?.id, state.removals]).toEqual([id, 0])
  const late = opened({ deleteConversation: async () => ({ status: 'unknown' }) })
  const theirs = await started(late.store)
  await expect(late.conversations.remove(theirs.id)).rejects.toMatchObject({ code: 'conversation_unknown' })
  expect(late.state.removals).toBe(0)
})
