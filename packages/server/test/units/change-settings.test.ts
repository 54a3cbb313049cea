import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { expect, test } from 'vitest'
import { createScriptedAgent } from '../../src/agents/scripted/agent.ts'
import { createApprovals } from '../../src/core/approvals/approvals.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createBudget } from '../../src/core/budget.ts'
import { createHost } from '../../src/core/runs/host.ts'
import { createKeptSettings } from '../../src/core/settings/keep.ts'
import { createChangeSettings } from '../../src/core/settings/settings.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

const log = { info() {}, warn() {}, error() {} }
const clock = { now: () => 1 }

test('what cannot be stored is taken back from the run that has it already', async () => {
  const memory = createMemoryStore()
  let isFull = true
  const store: Store = {
    ...memory,
    async changeSettings(change) {
      if (isFull) throw new Error('database or disk is full')
      return memory.changeSettings(change)
    },
  }
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const approvals = createApprovals({ store, events, clock, log, newId: () => 'p' })
  const agent = createScriptedAgent({ clock })
  const kept = createKeptSettings({ store, events, clock, start: 'this' })
  const newRunId = () => '1'.repeat(32) as RunId
  const host = createHost({
    budget: createBudget({ store, clock, runUsd: undefined, dayUsd: undefined, runTurns: undefined }),
    store,
    events,
    clock,
    log,
    agent,
    approvals,
    partials: undefined,
    files: createMemoryFiles(),
    settings: kept,
    newRunId,
  })
  const change = createChangeSettings({ store, kept, host, log, check: () => {} })

  const [id, folder] = ['full' as ConversationId, '/full' as Folder]
  const run = { id: newRunId(), name: id, folder, cwd: folder, begunBy: 'client' as const, text: '@hang', options: {} }
  const begun = await events.begin({ ...run, line: '{"type":"user"}', at: 1 })
  if (begun.status !== 'begun') throw new Error(begun.status)
  host.launch(begun.run, begun.conversation)
  await expect.poll(() => host.underWay(folder)?.tally.facts.model).toBe('scripted')

  await expect(change(id, { model: 'other', permissionMode: 'plan' }, 'me')).rejects.toThrow('disk is full')
  isFull = false
  // It is told what it was changed from.
  expect(await change(id, { model: 'third' }, 'me')).toMatchObject({ takesEffect: { model: 'now' } })
  const { lines } = await memory.page(id, 2, 10_000)
  expect(Buffer.from(lines).toString()).toContain('[{"setting":"model","from":null,"to":"third","takes_effect":"now"}]')
  expect(host.underWay(folder)?.tally.facts).toMatchObject({ model: 'third', permissionMode: 'default' })
  await host.stop()
})
