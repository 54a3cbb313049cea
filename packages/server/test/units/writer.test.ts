import { expect, test } from 'vitest'
import type { EventLog } from '../../src/core/log/log.ts'
import type { Sketch } from '../../src/core/partials/partials.ts'
import type { Appended } from '../../src/core/ports/event.ts'
import type { Run } from '../../src/core/ports/run.ts'
import { createWriter } from '../../src/core/runs/writer.ts'

const run = { id: 'r', first: 3 } as Run

/** A writer whose appends come to what the test says, and what readers of its drafts are told. */
function opened(append: (lines: readonly string[]) => Promise<Appended>) {
  const settled: number[] = []
  const failures: string[] = []
  const told = { isClosed: false }
  const sketch: Partial<Sketch> = {
    supersede() {},
    settle: (after) => void settled.push(after),
    close: () => void (told.isClosed = true),
  }
  const writer = createWriter({
    events: { append: (_: Run, lines: readonly string[]) => append(lines) } as unknown as EventLog,
    log: { info() {}, warn() {}, error: (message) => void failures.push(message) },
    run,
    sketch: sketch as Sketch,
    onFailure: () => void failures.push('stopped'),
  })
  return { writer, settled, failures, told }
}

test('what a run says when it is over is not stored, and that is no failure', async () => {
  const { writer, settled, failures } = opened(async () => ({ status: 'closed' }))
  writer.tell({ type: 'assistant' })
  await writer.settled()
  expect([writer.hasGap, failures]).toEqual([false, []])
  // Nothing has come after the event that readers had before.
  expect(settled).toEqual([3])
})

test('what comes while something is stored goes with the next, and one at a time', async () => {
  const appended: (readonly string[])[] = []
  let last = 3
  const { writer, settled } = opened(async (lines) => {
    appended.push(lines)
    await new Promise((resolve) => setImmediate(resolve))
    const first = last + 1
    last += lines.length
    return { status: 'stored', first, last }
  })
  for (const text of ['a', 'b', 'c']) writer.tell({ type: 'assistant', text })
  await writer.settled()
  expect(appended.map((lines) => lines.length)).toEqual([1, 2])
  expect(settled).toEqual([6])
})

test('after what could not be stored nothing more is, and the run is stopped once', async () => {
  let appends = 0
  const { writer, failures, told } = opened(async () => {
    appends++
    throw new Error('database or disk is full')
  })
  writer.tell({ type: 'assistant' })
  await writer.settled()
  writer.tell({ type: 'assistant' })
  await writer.settled()
  expect([appends, writer.hasGap, told.isClosed]).toEqual([1, true, true])
  expect(failures).toEqual(['events could not be stored; the run is stopped', 'stopped'])
})
