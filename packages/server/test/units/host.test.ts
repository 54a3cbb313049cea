import { expect, test } from 'vitest'
import { createScriptedAgent } from '../../src/agents/scripted/agent.ts'
import { createApprovals } from '../../src/core/approvals/approvals.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Agent, Job, Preparation, Wake } from '../../src/core/ports/agent.ts'
import type { Conversation } from '../../src/core/ports/conversation.ts'
import type { Log } from '../../src/core/ports/outside.ts'
import type { NewRun, Run } from '../../src/core/ports/run.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createKeptSettings } from '../../src/core/settings/keep.ts'
import { createBudget } from '../../src/core/budget.ts'
import { createHost, type Host } from '../../src/core/runs/host.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, newRun } from '../contract/samples.ts'

const log: Log = { info() {}, warn() {}, error() {} }
const clock = { now: () => 1 }

interface Opened {
  readonly store: Store
  readonly host: Host
  /** An accepted run in a conversation and a folder of its own. */
  readonly begin: (more?: Partial<NewRun>) => Promise<{ run: Run; conversation: Conversation }>
}

function open({ store = createMemoryStore(), agent = createScriptedAgent({ clock }) } = {}): Opened {
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const newId = () => fresh().run
  const approvals = createApprovals({ store, events, clock, log, newId })
  const settings = createKeptSettings({ store, events, clock, start: 'now' })
  const files = createMemoryFiles()
  const deps = { store, events, clock, log, agent, approvals, files, settings }
  const host = createHost({
    budget: createBudget({ store, clock, runUsd: undefined, dayUsd: undefined, runTurns: undefined }),
    ...deps,
    partials: undefined,
    newRunId: newId,
  })
  return {
    store,
    host,
    async begin(more) {
      const { id, folder } = fresh()
      const begun = await events.begin(newRun({ name: id, folder, line: '{"type":"user"}', ...more }))
      if (begun.status !== 'begun') throw new Error(begun.status)
      return begun
    },
  }
}

/** An agent that is woken, and asked to make ready, by the test. */
function wakingAgent() {
  let wake: (wake: Wake) => void = () => {}
  const prepared: Preparation[] = []
  const agent: Agent = {
    ...createScriptedAgent({ clock }),
    onWake: (listener) => (wake = listener),
    prepare: (preparation) => prepared.push(preparation),
  }
  /** Resolves to whether the work was taken. */
  const wakeIn = ({ id: conversation, folder }: Pick<Conversation, 'id' | 'folder'>) =>
    new Promise<boolean>((resolve) => {
      const take = (job: Job) => {
        resolve(true)
        return agent.work({ ...job, text: '@hang' })
      }
      wake({ conversation, folder, options: {}, take, refuse: () => resolve(false) })
    })
  return { agent, prepared, wakeIn }
}

test('a run whose events could not be stored does not say that it ended well, even if its agent was through', async () => {
  const memory = createMemoryStore()
  const store: Store = {
    ...memory,
    append: async () => {
      throw new Error('database or disk is full')
    },
  }
  const { host, begin } = open({ store })
  const begun = await begin({ text: 'Hello' })
  host.launch(begun.run, begun.conversation)
  await expect.poll(() => memory.openRuns()).toEqual([])
  const { lines } = await memory.page(begun.conversation.id, 1, 10_000)
  expect(JSON.parse(Buffer.from(lines).toString())).toMatchObject({
    type: 'result',
    subtype: 'interrupted',
    is_error: true,
    result: 'The event store cannot be written.',
  })
})

test('a run whose end cannot be stored does not keep the service from stopping; the next start closes it', async () => {
  const memory = createMemoryStore()
  const store: Store = { ...memory, endRun: () => Promise.reject(new Error('database or disk is full')) }
  const { host, begin } = open({ store })
  const { run, conversation } = await begin({ text: '@hang' })
  host.launch(run, conversation)
  await expect.poll(async () => (await memory.run(run.id))?.state).toBe('running')
  await host.stop()
  expect(await memory.openRuns()).toMatchObject([{ id: run.id }])
})

test('a run that no agent has when the service stops is left as it is: the next start begins it', async () => {
  const { promise: isReady, resolve: ready } = Promise.withResolvers<undefined>()
  const agent: Agent = { ...createScriptedAgent({ clock }), unready: () => isReady }
  const { host, begin, store } = open({ agent })
  const { run, conversation } = await begin()
  host.launch(run, conversation)
  const stopped = host.stop()
  ready(undefined)
  await stopped
  expect(await store.openRuns()).toMatchObject([{ id: run.id, state: 'accepted' }])
})

test('a stop ends what works also where something that is to begin waits for it', async () => {
  const { host, begin, store } = open()
  const [working, waiting] = [await begin({ text: '@hang' }), await begin()]
  const isOver = async (run: Run) => (await store.run(run.id))?.state === 'ended'
  // As putting files back waits for a process when all work.
  const { promise: isFree, resolve: free } = Promise.withResolvers<undefined>()
  const { folder } = fresh()
  const alone = host.alone(folder, () => isFree)
  const { run, conversation } = await begin({ folder, name: fresh().id })
  for (const each of [working, waiting, { run, conversation }]) host.launch(each.run, each.conversation)
  await expect.poll(() => isOver(waiting.run)).toBe(true)
  const stopped = host.stop()
  await expect.poll(() => isOver(working.run)).toBe(true)
  free(undefined)
  await Promise.all([alone, stopped])
  expect(await store.openRuns()).toMatchObject([{ id: run.id, state: 'accepted' }])
})

test('a process is made ready for what the last prompt asked for, or for what is said, where nothing runs', async () => {
  const { agent, prepared } = wakingAgent()
  const { host, begin, store } = open({ agent })
  const { run, conversation } = await begin({ text: '@hang', options: { model: 'm', resume: 'earlier' } })
  host.launch(run, conversation)
  await expect.poll(async () => (await store.conversation(conversation.id))?.sessionId).toBeDefined()
  host.prepare(conversation)
  expect(prepared).toEqual([])
  await host.interrupt(run, 'Enough.')
  await expect.poll(() => store.openRuns()).toEqual([])
  const rested = (await store.conversation(conversation.id)) ?? conversation
  // The host has to hear of the end as well.
  await expect.poll(() => (host.prepare(rested), prepared.length)).toBeGreaterThan(0)
  expect(prepared.at(-1)).toMatchObject({ sessionId: rested.sessionId, options: { model: 'm' } })
  host.prepare(rested, { resume: 'another' })
  expect(prepared.at(-1)).toMatchObject({ sessionId: 'another', options: { resume: 'another' } })
  const { length } = prepared
  await host.stop()
  host.prepare(rested)
  expect(prepared).toHaveLength(length)
})

test('what one folder is trusted with is not guessed for the next prompt of another', async () => {
  const { agent, prepared } = wakingAgent()
  const { host, begin, store } = open({ agent })
  const trusted = {
    settings: { hooks: {} },
    settingSources: ['project'],
    mcpServers: { x: { command: './x' } },
  } as const
  const { run, conversation } = await begin({ options: { model: 'm', ...trusted } })
  const { conversation: stranger } = await begin()
  host.launch(run, conversation)
  await expect.poll(async () => (await store.run(run.id))?.state).toBe('ended')
  await expect.poll(() => (host.prepare(conversation), prepared.at(-1)?.options)).toEqual({ model: 'm', ...trusted })
  host.prepare(stranger)
  expect(prepared.at(-1)).toMatchObject({ folder: stranger.folder })
  expect(prepared.at(-1)?.options).toEqual({ model: 'm' })
})

test('an agent that wakes has a run where its folder is free, and is refused everywhere else', async () => {
  const { agent, wakeIn } = wakingAgent()
  const { host, begin, store } = open({ agent })
  const { run, conversation } = await begin()
  expect(await wakeIn(conversation)).toBe(false)
  await host.interrupt(run, 'Enough.')
  expect(await wakeIn(conversation)).toBe(true)
  expect(await store.openRuns()).toMatchObject([{ begunBy: 'agent', conversation: conversation.id }])
  expect(await wakeIn(fresh())).toBe(false)
  await host.stop()
  expect(await wakeIn(conversation)).toBe(false)
  expect(await store.openRuns()).toEqual([])
})

test('a run whose end cannot be stored for a moment is closed as soon as it can be', async () => {
  const memory = createMemoryStore()
  let isFull = true
  const endRun: Store['endRun'] = async (...given) => {
    if (!isFull) return memory.endRun(...given)
    isFull = false
    throw new Error('database or disk is full')
  }
  const { host, begin } = open({ store: { ...memory, endRun } })
  const { run, conversation } = await begin()
  host.launch(run, conversation)
  await expect.poll(async () => (await memory.run(run.id))?.state, { timeout: 10_000 }).toBe('ended')
  expect(isFull).toBe(false)
})

test('an agent that is given a run while the service stops, because it woke, is stopped as all others are', async () => {
  const { agent, wakeIn } = wakingAgent()
  const memory = createMemoryStore()
  const opened: Opened = open({
    agent,
    store: {
      ...memory,
      async claimRun(id) {
        await opened.host.stop()
        return memory.claimRun(id)
      },
    },
  })
  const { run, conversation } = await opened.begin()
  await memory.endRun(run.id, ['{"type":"result"}'], 1)
  expect(await wakeIn(conversation)).toBe(true)
  await expect.poll(() => memory.openRuns()).toEqual([])
  const { head = 0 } = (await memory.conversation(conversation.id)) ?? {}
  const { lines } = await memory.page(conversation.id, head - 1, 1)
  expect(JSON.parse(Buffer.from(lines).toString())).toMatchObject({
    type: 'result',
    result: 'The service was stopped while this run was working.',
  })
})
