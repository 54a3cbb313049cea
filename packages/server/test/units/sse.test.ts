import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import { UNCOUNTED } from '../../src/core/ports/metrics.ts'
import { createSseStreams } from '../../src/http/sse.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { fresh, newRun } from '../contract/samples.ts'

const log = { info() {}, warn() {}, error() {} }

/** A connection that keeps what is written to it, in the pieces in which a system call would get it. */
class Wire extends Duplex {
  readonly pieces: string[] = []

  override _read(): void {}

  override _write(piece: Buffer | string, _: string, done: () => void): void {
    this.pieces.push(piece.toString('latin1'))
    done()
  }

  override _writev(pieces: { chunk: Buffer | string }[], done: () => void): void {
    this.pieces.push(pieces.map(({ chunk }) => chunk.toString('latin1')).join(''))
    done()
  }
}

/** Streams of a conversation with one event, each on a connection of its own. */
async function openStreams(count: number): Promise<Wire[]> {
  const store = createMemoryStore()
  const events = createEventLog({ store, bell: createBell(), clock: { now: Date.now }, log, doubtMs: 2000 })
  const { id, folder } = fresh()
  await events.begin(newRun({ name: id, folder }))
  const streams = createSseStreams({ events, partials: undefined, log, metrics: UNCOUNTED })
  const watch = { conversation: id, after: 0, until: 'never' as const }
  const server = createServer((_, response) => {
    // As behind any door: something has been waited for.
    queueMicrotask(() => streams.open(response, watch, { opening: 'retry: 1000\n\n' }))
  })
  return Array.from({ length: count }, () => {
    const wire = new Wire()
    server.emit('connection', wire)
    wire.push('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    return wire
  })
}

test('who comes back gets head, opening and the first events in one piece', async () => {
  const [wire = new Wire()] = await openStreams(1)
  await expect.poll(() => wire.pieces.join('')).toContain('id: 1\n')
  expect(wire.pieces).toEqual([expect.stringMatching(/^HTTP\/1.1 200 OK\r\n[^]*\nretry: 1000\n[^]*\nid: 1\n/)])
  wire.destroy()
})

test('thousands that have been silent for as long say that they are there without holding the loop in one piece', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const wires = await openStreams(1200)
    await expect.poll(() => wires.filter(({ pieces }) => pieces.length > 0).length).toBe(1200)
    const heard = () => wires.filter(({ pieces }) => pieces.at(-1)?.includes(': ping')).length
    vi.advanceTimersByTime(15_000)
    expect(heard()).toBeLessThan(1200)
    await expect.poll(heard).toBe(1200)
    for (const wire of wires) wire.destroy()
  } finally {
    vi.useRealTimers()
  }
})
