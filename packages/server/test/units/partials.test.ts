import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { createScriptedSessions } from '../../src/agents/scripted/sessions.ts'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { createApprovals } from '../../src/core/approvals/approvals.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog, type EventLog } from '../../src/core/log/log.ts'
import { Reader } from '../../src/core/log/reader.ts'
import { createPartials } from '../../src/core/partials/partials.ts'
import type { Agent, Happening } from '../../src/core/ports/agent.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createKeptSettings } from '../../src/core/settings/keep.ts'
import { createBudget } from '../../src/core/budget.ts'
import { createHost } from '../../src/core/runs/host.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { createOnlooker, type Looking } from '../support/onlooker.ts'

const conversation = 'c' as ConversationId
const folder = '/f' as Folder
const run = 'r' as RunId
const newRun = {
  id: run,
  name: conversation,
  folder,
  cwd: folder,
  begunBy: 'client' as const,
  text: 'x',
  options: {},
  line: '{"type":"user"}',
  at: 1,
}
const quiet = { info() {}, warn() {}, error() {} }
const clock = { now: () => 1 }

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** A message of one agent of several: its blocks in pieces, the moments between them, and whether the API breaks it off. */
const message = fc.record({
  parent: fc.constantFrom(null, 'toolu_1', 'toolu_2'),
  blocks: fc.array(fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 3,
  }),
  moments: fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }),
  breaksOff: fc.boolean(),
})

const script = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 8 }),
  /** How long each append takes. */
  appends: fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
  readers: fc.array(
    fc.record({
      after: fc.nat(12),
      joins: fc.nat(40),
      /** How many takes it is drained for, and how long it then is not. */
      drained: fc.constantFrom(1, 3, Infinity),
      pause: fc.nat(20),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})

it('what a reader has of a text is its beginning at any moment, and nothing of it comes after its event', async () => {
  let shown = 0
  await fc.assert(
    fc.asyncProperty(script, async ({ messages, appends, readers }) => {
      const memory = createMemoryStore()
      let appended = 0
      const store: Store = {
        ...memory,
        async append(...input) {
          await turns(appends[appended++ % appends.length] ?? 0)
          return memory.append(...input)
        },
      }
      const events = createEventLog({ store, bell: createBell(), clock, log: quiet, doubtMs: 5 })
      const approvals = createApprovals({ store, events, clock, log: quiet, newId: () => 'p' })
      const partials = createPartials(0)
      const agent = agentThat(() => tell(messages))
      const settings = createKeptSettings({ store, events, clock, start: 'now' })
      const host = createHost({
        budget: createBudget({ store, clock, runUsd: undefined, dayUsd: undefined, runTurns: undefined }),
        store,
        events,
        clock,
        log: quiet,
        agent,
        approvals,
        partials,
        files: createMemoryFiles(),
        settings,
        newRunId: () => run,
      })
      const begun = await events.begin(newRun)
      if (begun.status !== 'begun') throw new Error(begun.status)
      const looking = readers.map(async ({ after, joins, drained, pause }) => {
        await turns(joins)
        const onlooker = createOnlooker()
        const head = (await memory.conversation(conversation))?.head ?? 0
        await read(onlooker, Math.min(after, head), { drained, pause })
        return onlooker
      })
      host.launch(begun.run, begun.conversation)
      for (const onlooker of await Promise.all(looking)) {
        expect(onlooker.mistakes).toEqual([])
        expect(onlooker.drafts.size).toBe(0)
        shown += onlooker.longest
      }

      function read(onlooker: Looking, after: number, { drained, pause }: { drained: number; pause: number }) {
        return new Promise<void>((resolve, reject) => {
          let room = drained
          const reader: Reader = new Reader(
            events,
            { conversation, after, until: { run } },
            {
              take(page) {
                const lines = Buffer.from(page.lines).toString().split('\n').slice(0, -1)
                for (const line of lines) onlooker.event(JSON.parse(line))
                return true
              },
              end: resolve,
              fail: reject,
            },
            {
              partials,
              isDrained: () => room > 0,
              show(lines) {
                for (const line of lines) onlooker.partial(JSON.parse(line))
                if (--room > 0) return
                void turns(pause).then(() => {
                  room = drained
                  reader.resume()
                })
              },
            },
          )
        })
      }
    }),
    { numRuns: 150 },
  )
  expect(shown).toBeGreaterThan(1000)
})

it('a reader that does not ask for partials is not woken by them', async () => {
  const store = createMemoryStore()
  const log = createEventLog({ store, bell: createBell(), clock, log: quiet, doubtMs: 60_000 })
  const begun = await log.begin(newRun)
  if (begun.status !== 'begun') throw new Error(begun.status)
  let looks = 0
  const events: EventLog = { ...log, recent: (...asked) => (looks++, log.recent(...asked)) }
  const partials = createPartials(0)
  const sink = { take: () => true, end() {}, fail() {} }
  const watch = { conversation, after: 1, until: 'never' } as const
  const plain = new Reader(events, watch, sink)
  let shown = 0
  const asking = new Reader(log, watch, sink, { partials, isDrained: () => true, show: () => shown++ })
  await turns(5)
  const before = looks
  const sketch = partials.begin(begun.run)
  sketch.show({ kind: 'block', parent: null, block: 0, about: { kind: 'text' }, text: 'Hi' })
  await expect.poll(() => shown).toBe(1)
  expect(looks).toBe(before)
  for (const reader of [plain, asking]) reader.close()
  sketch.close()
})

/** All that an agent tells of these messages, those of different parents mixed. */
async function* tell(messages: readonly (typeof message extends fc.Arbitrary<infer M> ? M : never)[]) {
  const lanes = Map.groupBy(messages.entries(), ([, { parent }]) => parent)
  const running = [...lanes.values()].map((lane) => lane.flatMap(([n, each]) => steps(n, each)))
  for (let n = 0; running.some((lane) => lane.length > 0); n++) {
    const step = running[n % running.length]?.shift()
    if (step === undefined) continue
    if (typeof step === 'number') await turns(step)
    else yield step
  }
  yield { kind: 'end', result: { type: 'result', subtype: 'success', is_error: false, result: '' } } as const
}

function steps(
  number: number,
  {
    parent,
    blocks,
    moments,
    breaksOff,
  }: { parent: string | null; blocks: string[][]; moments: number[]; breaksOff: boolean },
): (Happening | number)[] {
  const id = `m${number}`
  const told: (Happening | number)[] = [{ kind: 'partial', update: { kind: 'message', parent } }]
  blocks.forEach((pieces, block) => {
    const about = { kind: 'text' as const, message_id: id }
    // Each text is like no other, from its first character on, and that comes in two halves.
    const words = [...String.fromCodePoint(0x1f300 + number * 4 + block).split(''), ...pieces]
    told.push({ kind: 'partial', update: { kind: 'block', parent, block, about, text: '' } })
    words.forEach((text, n) => {
      told.push({ kind: 'partial', update: { kind: 'more', parent, block, text } }, moments[n % moments.length] ?? 0)
    })
    if (breaksOff && block === blocks.length - 1) return
    const content = [{ type: 'text', text: words.join('') }]
    told.push({ kind: 'event', payload: { type: 'assistant', message: { id, content }, parent_tool_use_id: parent } })
  })
  if (breaksOff) told.push({ kind: 'partial', update: { kind: 'message', parent } })
  return told
}

/** An agent that tells what it is made to tell. */
function agentThat(happens: () => AsyncGenerator<Happening>): Agent {
  return {
    name: 'scripted',
    unready: async () => undefined,
    work: () => ({
      [Symbol.asyncIterator]: happens,
      interrupt() {},
      steer: () => false,
      isSteerable: false,
      steersWith: () => false,
      endSettling: () => false,
    }),
    onWake() {},
    prepare() {},
    endBackground: () => false,
    rewind: async () => ({ status: 'no_checkpoint', why: '' }),
    sessions: createScriptedSessions({ now: () => 0 }),
    load: async () => ({ working: 0, resting: 0, bytes: 0 }),
    adjust: async () => ({ taken: [], facts: {}, before: {} }),
    async close() {},
  }
}
