import { realpathSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Folder } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Agent } from '../../src/core/ports/agent.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createRewinds, type RewindTo } from '../../src/core/rewinds.ts'
import type { Host } from '../../src/core/runs/host.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { allLines, fresh, newRun } from '../contract/samples.ts'

const log = { info() {}, warn() {}, error() {} }
const changes = { files: ['/a.txt'], insertions: 1, deletions: 0 }

/** A conversation whose events are these, and an agent that remembers every prompt. */
async function talked(events: readonly object[], session?: string, more: Partial<Store> = {}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-rewinds-'))) as Folder
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const memory = createMemoryStore()
  const clock = { now: () => 1 }
  const store = { ...memory, ...more }
  const { id } = fresh()
  const [line = '', ...rest] = events.map((event) => JSON.stringify(event))
  const run = newRun({ name: id, folder, line })
  await memory.beginRun(run)
  await memory.endRun(run.id, [...rest, '{"type":"result"}'], 1)
  if (session !== undefined) await memory.setSession(id, session, 1)
  const asked: string[] = []
  const rewind = async ({ prompt }: { prompt: string }) => {
    asked.push(prompt)
    return { status: 'rewound', changes }
  }
  const rewinds = createRewinds({
    store,
    events: createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 }),
    clock,
    rules: { allowedRoots: [], trustedRoots: [] },
    host: { endSettling: async () => false, alone: (_: Folder, work: () => unknown) => work() } as unknown as Host,
    agent: { rewind } as unknown as Pick<Agent, 'rewind'>,
  })
  const rewindTo = (to: Partial<RewindTo>) => rewinds.rewind(id, { number: undefined, run: undefined, ...to }, false)
  return { memory, asked, rewindTo, id, run: run.id }
}

const prompt = { type: 'user', uuid: 'p', message: { content: 'Hello' } }

test.each([
  ['a prompt', prompt, 'p'],
  [
    'a prompt of blocks, one of them of no known kind',
    { ...prompt, message: { content: [null, { type: 'text' }] } },
    'p',
  ],
  ['the word that a cut-off run goes on', { type: 'system', subtype: 'run_continued', uuid: 'c' }, 'c'],
])('files are put back as they were at %s, by its number and by its run', async (_, event, uuid) => {
  const { memory, asked, rewindTo, id, run } = await talked([event], 'session')
  expect(await rewindTo({ number: 1 })).toEqual({ to: 1, changes })
  expect(await rewindTo({ run })).toEqual({ to: 1, changes })
  expect(asked).toEqual([uuid, uuid])
  const told = (await allLines(memory, id)).slice(2).map((line): unknown => JSON.parse(line))
  const rewound = { subtype: 'files_rewound', to: 1, ...changes }
  expect(told).toMatchObject([rewound, rewound])
})

test.each([
  ['what a tool has said', { ...prompt, message: { content: [{ type: 'tool_result' }] } }],
  ['what an agent tells its own agent', { ...prompt, parent_tool_use_id: 'toolu_1' }],
  ['what the agent says', { type: 'assistant', uuid: 'a' }],
  ['a prompt that the agent has no name for', { type: 'user', message: { content: 'Hello' } }],
])('%s is no prompt to go back to', async (_, event) => {
  const { asked, rewindTo } = await talked([event], 'session')
  await expect(rewindTo({ number: 1 })).rejects.toMatchObject({
    code: 'bad_request',
    message: 'Event 1 is no prompt that began a run.',
  })
  expect(asked).toEqual([])
})

test('nor is an event that is not there, and nothing at all', async () => {
  const { rewindTo } = await talked([prompt], 'session')
  for (const number of [0, 99]) await expect(rewindTo({ number })).rejects.toMatchObject({ code: 'bad_request' })
  await expect(rewindTo({})).rejects.toMatchObject({ code: 'bad_request' })
})

test('of a conversation that is deleted meanwhile there is no prompt either', async () => {
  const gone = { first: 1, count: 0, lines: new Uint8Array(), head: 0 }
  const { asked, rewindTo } = await talked([prompt], 'session', { page: async () => gone })
  await expect(rewindTo({ number: 1 })).rejects.toMatchObject({ code: 'bad_request' })
  expect(asked).toEqual([])
})

test('where no agent has worked, nothing can be put back, and it says so', async () => {
  const { asked, rewindTo } = await talked([prompt])
  await expect(rewindTo({ number: 1 })).rejects.toMatchObject({
    code: 'no_checkpoint',
    message: 'No agent has worked in this conversation.',
    details: { to: 1 },
  })
  expect(asked).toEqual([])
})
