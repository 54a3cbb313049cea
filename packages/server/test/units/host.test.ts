import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { expect, test } from 'vitest'
import { createScriptedAgent } from '../../src/agents/scripted/agent.ts'
import { createApprovals } from '../../src/core/approvals/approvals.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Log } from '../../src/core/ports/outside.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createKeptSettings } from '../../src/core/settings/keep.ts'
import { createHost } from '../../src/core/runs/host.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

const log: Log = { info() {}, warn() {}, error() {} }
const clock = { now: () => 1 }

test('a run whose events could not be stored does not say that it ended well, even if its agent was through', async () => {
  const memory = createMemoryStore()
  const store: Store = {
    ...memory,
    append: async () => {
      throw new Error('database or disk is full')
    },
  }
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const approvals = createApprovals({ store, events, clock, log, newId: () => 'p' })
  const agent = createScriptedAgent({ clock })
  const newRunId = () => '1'.repeat(32) as RunId
  const settings = createKeptSettings({ store, events, clock, start: 'now' })
  const host = createHost({
    store,
    events,
    clock,
    log,
    agent,
    approvals,
    partials: undefined,
    files: createMemoryFiles(),
    settings,
    newRunId,
  })

  const name = 'lost' as ConversationId
  const folder = '/lost' as Folder
  const run = { id: newRunId(), name, folder, cwd: folder, begunBy: 'client' as const, text: 'Hello', options: {} }
  const begun = await events.begin({ ...run, line: '{"type":"user"}', at: 1 })
  if (begun.status !== 'begun') throw new Error(begun.status)
  host.launch(begun.run, begun.conversation)
  await expect.poll(() => memory.openRuns()).toEqual([])
  const { lines } = await memory.page(name, 1, 10_000)
  expect(JSON.parse(Buffer.from(lines).toString())).toMatchObject({
    type: 'result',
    subtype: 'interrupted',
    is_error: true,
    result: 'The event store cannot be written.',
  })
})
