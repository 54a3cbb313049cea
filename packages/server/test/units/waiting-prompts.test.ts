import { expect, onTestFinished, test, vi } from 'vitest'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Store } from '../../src/core/ports/store.ts'
import type { Run } from '../../src/core/ports/run.ts'
import type { Host } from '../../src/core/runs/host.ts'
import { createBudget } from '../../src/core/budget.ts'
import { createQueue } from '../../src/core/runs/queue.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { added, newPrompt, started } from '../contract/samples.ts'

const log = { info() {}, warn() {}, error() {} }

/** A prompt on its way into a run that is over, while nothing can be stored. */
async function open(msUntilFree = async () => 0) {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const memory = createMemoryStore()
  const { id: name, folder, run } = await started(memory)
  await memory.claimRun(run.id)
  const prompt = await added(memory, newPrompt({ name, folder, into: run.id }))
  const disk = { isFull: true, tries: 0 }
  const store: Store = {
    ...memory,
    async changePrompt(change) {
      disk.tries++
      if (disk.isFull) throw new Error('database or disk is full')
      return memory.changePrompt(change)
    },
  }
  const clock = { now: () => 1 }
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: 2000 })
  const host = {
    mayAcceptRuns: true,
    serveQueue() {},
    steer: () => false,
    endSettling: async () => false,
    launch: (next: Run) => launched.push(next.text),
  }
  const launched: string[] = []
  const queue = createQueue({
    budget: {
      ...createBudget({ store, clock, runUsd: undefined, dayUsd: undefined, runTurns: undefined }),
      msUntilFree,
    },
    store,
    events,
    clock,
    log,
    host: host as unknown as Host,
  })
  return { disk, host, memory, folder, name, run, prompt, launched, queue, handedOver: queue.handOver(prompt, run.id) }
}

test('a prompt that a run did not take is queued as soon as that can be stored', async () => {
  const { disk, memory, folder, handedOver } = await open()
  await vi.advanceTimersByTimeAsync(5000)
  expect(disk.tries).toBeGreaterThan(2)
  expect(await memory.queuedPrompts(folder)).toEqual([])
  disk.isFull = false
  await vi.advanceTimersByTimeAsync(2000)
  await handedOver
  expect(await memory.queuedPrompts(folder)).toMatchObject([{ state: 'queued' }])
})

test('a stop of the service does not wait until it can be stored; the next start finds it', async () => {
  const { host, memory, handedOver } = await open()
  host.mayAcceptRuns = false
  await vi.advanceTimersByTimeAsync(2000)
  await handedOver
  expect(await memory.steeringPrompts()).toHaveLength(1)
})

test('a prompt that was settled before its run missed it stays as it was', async () => {
  const { disk, memory, prompt, handedOver } = await open()
  await memory.changePrompt({ id: prompt.id, input: 'taken', line: '{"taken":1}', at: 1 })
  disk.isFull = false
  await vi.advanceTimersByTimeAsync(2000)
  await handedOver
  expect(await memory.prompt(prompt.id)).toMatchObject({ state: 'steered' })
})

test('where the budget of the day is spent, the queue goes on once when there is another, however many come', async () => {
  let waitMs = 3_600_000
  const { disk, memory, folder, run, launched, queue, handedOver } = await open(async () => waitMs)
  disk.isFull = false
  await vi.advanceTimersByTimeAsync(2000)
  await handedOver
  await memory.endRun(run.id, ['{"type":"result"}'], 1)
  for (let n = 0; n < 3; n++) await queue.serve(folder)
  expect(launched).toEqual([])
  expect(vi.getTimerCount()).toBe(1)
  waitMs = 0
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(launched).toEqual(['hi'])
})
