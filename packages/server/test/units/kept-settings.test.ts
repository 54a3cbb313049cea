import { expect, test } from 'vitest'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Settings } from '../../src/core/ports/settings.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createKeptSettings } from '../../src/core/settings/keep.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { allLines, fresh, started } from '../contract/samples.ts'

const log = { info() {}, warn() {}, error() {} }
const clock = { now: () => 1 }

/** A conversation with these settings; `meanwhile` is the store as it is by the time they are changed. */
async function kept(settings: Settings, meanwhile: (store: Store) => Partial<Store> = () => ({})) {
  const memory = createMemoryStore()
  const { id } = await started(memory)
  await memory.changeSettings({ id, from: {}, to: settings, line: '{"set":1}', at: 1 })
  const conversation = await memory.conversation(id)
  if (!conversation) throw new Error('it was begun')
  const store = { ...memory, ...meanwhile(memory) }
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const settingsOf = createKeptSettings({ store, events, clock, start: 'this' })
  const told = async () => (await allLines(memory, id)).slice(2).map((line): unknown => JSON.parse(line))
  return { memory, kept: settingsOf, conversation, id, told }
}

const before = { model: 'm', permissionMode: 'bypassPermissions', start: 'the one before' } as const

test('a mode without questions that was asked for before this start is forgotten, and everybody is told', async () => {
  const { kept: settings, conversation, told } = await kept(before)
  const now = await settings.forgetLapsed(conversation)
  expect(settings.of(now)).toEqual({ model: 'm' })
  expect(await told()).toMatchObject([
    { changes: [{ setting: 'permission_mode', from: 'bypassPermissions', to: null }], by: 'service' },
  ])
  expect(await settings.forgetLapsed(now)).toBe(now)
})

test('where somebody has asked for another meanwhile, theirs stays, and nothing is told', async () => {
  const { memory, kept: settings, conversation, id, told } = await kept(before)
  await memory.changeSettings({ id, from: before, to: { permissionMode: 'plan' }, line: '{"set":2}', at: 2 })
  expect(settings.of(await settings.forgetLapsed(conversation))).toEqual({ permissionMode: 'plan' })
  expect(await told()).toEqual([{ set: 2 }])
})

test('where somebody has taken all settings back meanwhile, there is nothing to forget either', async () => {
  const {
    kept: settings,
    conversation,
    told,
  } = await kept(before, (store) => ({
    conversation: async (id) => {
      const now = await store.conversation(id)
      return now && { ...now, settings: undefined }
    },
  }))
  expect(settings.of(await settings.forgetLapsed(conversation))).toEqual({})
  expect(await told()).toEqual([])
})

test('a change is made again on top of what somebody else was sooner with', async () => {
  let isFirst = true
  const {
    kept: settings,
    memory,
    id,
    told,
  } = await kept({ permissionMode: 'plan' }, (store) => ({
    async changeSettings(change) {
      if (isFirst) {
        isFirst = false
        await store.changeSettings({ ...change, to: { ...change.from, model: 'theirs' }, line: '{"set":2}' })
      }
      return store.changeSettings(change)
    },
  }))
  await settings.follow(id, 'plan', 'acceptEdits')
  expect((await memory.conversation(id))?.settings).toMatchObject({ model: 'theirs', permissionMode: 'acceptEdits' })
  expect(await told()).toMatchObject([{ set: 2 }, { changes: [{ from: 'plan', to: 'acceptEdits' }], by: 'agent' }])
})

test('of a conversation that is deleted, before or meanwhile, it says that it is unknown', async () => {
  const { kept: settings } = await kept({})
  const unknown = { code: 'conversation_unknown' }
  await expect(settings.follow(fresh().id, 'plan', 'default')).rejects.toMatchObject(unknown)
  const late = await kept({}, () => ({ changeSettings: async () => ({ status: 'unknown' }) }))
  await expect(late.kept.follow(late.id, 'plan', 'default')).rejects.toMatchObject(unknown)
})
