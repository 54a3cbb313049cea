import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { skipLines, toSse } from '@claude-proxy/protocol/frames'

/** A line as bytes: anything but a newline. */
const line = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => (byte === 10 ? 11 : byte)))
const lines = fc.array(line, { maxLength: 30 })

/** NDJSON in the middle of a larger buffer, as the store hands it out. */
function ndjson(parts: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.concat([Buffer.from('before\n'), ...parts.flatMap((part) => [part, Buffer.from('\n')])])
  return new Uint8Array(whole.buffer, whole.byteOffset + 7, whole.length - 7)
}

/** Reads frames byte by byte, in the most simple-minded way. */
function readFrames(bytes: Uint8Array): { id: number; data: string }[] {
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const at = frame.indexOf('\n')
      expect(frame.slice(0, 4)).toBe('id: ')
      expect(frame.slice(at, at + 7)).toBe('\ndata: ')
      return { id: Number(frame.slice(4, at)), data: frame.slice(at + 7) }
    })
}

it('every line becomes one frame with its number and its very bytes', () => {
  const numbers = fc.integer({ min: 1, max: 1e15 - 1000 })
  fc.assert(
    fc.property(lines, numbers, (parts, first) => {
      const expected = parts.map((part, n) => ({ id: first + n, data: Buffer.from(part).toString('latin1') }))
      expect(readFrames(toSse({ lines: ndjson(parts), first, count: parts.length }))).toEqual(expected)
    }),
  )
})

it('a frame looks as the standard wants it', () => {
  const frames = toSse({ lines: Buffer.from('{"a":1}\n{"b":2}\n'), first: 7, count: 2 })
  expect(Buffer.from(frames).toString()).toBe('id: 7\ndata: {"a":1}\n\nid: 8\ndata: {"b":2}\n\n')
})

it('the numbers go on where they get longer', () => {
  const frames = Buffer.from(toSse({ lines: Buffer.from('1\n'.repeat(200)), first: 9950, count: 200 })).toString()
  expect(frames.match(/\d+(?=\ndata)/g)?.map(Number)).toEqual(Array.from({ length: 200 }, (_, n) => 9950 + n))
})

it('no lines are no frames', () => {
  expect(toSse({ lines: new Uint8Array(), first: 1, count: 0 })).toHaveLength(0)
})

it('what is left after skipped lines is the other lines', () => {
  fc.assert(
    fc.property(lines, fc.nat(), (parts, n) => {
      const count = n % (parts.length + 1)
      const all = ndjson(parts)
      const kept = all.subarray(skipLines({ lines: all, count: parts.length }, count))
      expect(Buffer.from(kept)).toEqual(Buffer.from(ndjson(parts.slice(count))))
    }),
  )
})
