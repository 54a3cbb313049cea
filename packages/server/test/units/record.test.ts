import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { NewAuditEntry } from '../../src/core/ports/access.ts'
import { createRecord } from '../../src/http/record.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const caller = {
  who: 'phone',
  agent: 'app/1',
  from: '192.0.2.1',
  token: undefined,
  scopes: new Set<never>(),
  roots: undefined,
}

/** A record over a store whose disk may be full. */
function opened() {
  const disk = { isFull: false, stored: [] as string[] }
  const complaints: { message: string; subject: string | undefined }[] = []
  const store = {
    async addAudit({ subject = '' }: NewAuditEntry) {
      if (disk.isFull) throw new Error('disk full')
      disk.stored.push(subject)
    },
  }
  const error = (message: string, details: { entry?: NewAuditEntry } = {}) =>
    void complaints.push({ message, subject: details.entry?.subject })
  const log = { info() {}, warn() {}, error }
  const record = createRecord({ store, clock: { now: Date.now }, log })
  return { record, disk, complaints, note: (subject: string) => record.of('send', caller)({ subject }) }
}

test('what cannot be noted now is in the log, and in the audit trail as soon as it can be, in its order', async () => {
  const { disk, complaints, note } = opened()
  disk.isFull = true
  for (const subject of ['a', 'b']) await note(subject)
  expect(complaints).toEqual([
    { message: 'what was done is not in the audit trail yet', subject: 'a' },
    { message: 'what was done is not in the audit trail yet', subject: 'b' },
  ])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(disk.stored).toEqual([])
  disk.isFull = false
  await vi.advanceTimersByTimeAsync(2000)
  expect(disk.stored).toEqual(['a', 'b'])
  expect(complaints).toHaveLength(2)
  expect(vi.getTimerCount()).toBe(0)
})

test('what waits is tried once more at the stop, and nothing after it', async () => {
  const { record, disk, note } = opened()
  disk.isFull = true
  await note('a')
  disk.isFull = false
  await record.close()
  expect(disk.stored).toEqual(['a'])
  expect(vi.getTimerCount()).toBe(0)
})

test('of more than can wait, the log alone has the rest, and says that it stays so', async () => {
  const { disk, complaints, note } = opened()
  disk.isFull = true
  for (let n = 1; n <= 1001; n++) await note(String(n))
  expect(complaints.at(-2)).toEqual({ message: 'what was done is not in the audit trail yet', subject: '1000' })
  expect(complaints.at(-1)).toEqual({ message: 'what was done is not in the audit trail', subject: '1001' })
  disk.isFull = false
  await vi.advanceTimersByTimeAsync(2000)
  expect(disk.stored).toEqual(Array.from({ length: 1000 }, (_, n) => String(n + 1)))
})
