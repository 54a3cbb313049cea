import { expect, test, vi } from 'vitest'
import type { Agent } from '../../src/core/ports/agent.ts'
import { type Check, createReadiness } from '../../src/core/readiness.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

const MB = 1024 * 1024

function opened({
  freeBytes = undefined as number | undefined,
  unready = async (): Promise<string | undefined> => undefined,
} = {}) {
  const complaints: string[] = []
  const complain = (message: string) => void complaints.push(message)
  const state = { mayAcceptRuns: true, looks: 0, check: async () => ({ freeBytes }) }
  const readiness = createReadiness({
    store: { ...createMemoryStore(), check: () => (state.looks++, state.check()) },
    agent: { unready } as unknown as Agent,
    log: { info() {}, warn: complain, error: complain },
    mayAcceptRuns: () => state.mayAcceptRuns,
    minFreeBytes: 100 * MB,
  })
  return { state, complaints, readiness, failed: async () => failedOf(await readiness()) }
}

const failedOf = (checks: readonly Check[]) =>
  checks.filter(({ status }) => status === 'failed').map(({ name }) => name)

test('a service that keeps nothing on a disk needs no room on one', async () => {
  const { readiness } = opened()
  expect(await readiness()).toMatchObject([
    { name: 'service', status: 'ok' },
    { name: 'agent', status: 'ok' },
    { name: 'store', status: 'ok' },
    { name: 'disk', status: 'ok', message: 'Nothing is kept on a disk.' },
  ])
})

test('one that stops takes no new runs, and is not ready for them', async () => {
  const { state, failed, complaints } = opened()
  state.mayAcceptRuns = false
  expect(await failed()).toEqual(['service'])
  expect(complaints).toEqual(['not ready'])
})

test('how much room there is is told in words, and too little of it is none', async () => {
  const { readiness } = opened({ freeBytes: 99 * MB })
  expect((await readiness()).at(-1)).toEqual({
    name: 'disk',
    status: 'failed',
    message: 'Only 99 MB are free where events are kept; at least 100 MB have to be.',
  })
  expect(await opened({ freeBytes: 100 * MB }).failed()).toEqual([])
})

test('what keeps the agent from starting is told, and what keeps us from knowing it is not', async () => {
  const missing = opened({ unready: async () => 'Claude Code is not installed.' })
  expect((await missing.readiness())[1]).toMatchObject({ status: 'failed', message: 'Claude Code is not installed.' })
  const broken = opened({ unready: () => Promise.reject(new Error('EACCES /secret/path')) })
  expect(JSON.stringify(await broken.readiness())).not.toContain('/secret')
  expect(await broken.failed()).toEqual(['agent'])
})

test('an answer holds for a second, however many ask, and a change is logged once', async () => {
  vi.useFakeTimers()
  try {
    const { state, failed, complaints } = opened()
    for (let n = 0; n < 10; n++) expect(await failed()).toEqual([])
    expect(state.looks).toBe(1)
    state.check = () => Promise.reject(new Error('database or disk is full'))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failed()).toEqual(['store'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failed()).toEqual(['store'])
    expect(complaints.filter((message) => message === 'not ready')).toHaveLength(1)
    state.check = async () => ({ freeBytes: undefined })
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failed()).toEqual([])
    expect(complaints.at(-1)).toBe('ready again')
  } finally {
    vi.useRealTimers()
  }
})
