import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentType, TELLING_BYTES } from '../../src/core/content-type.ts'
import { readLines } from '../../src/core/lines.ts'
import type { OpenFile } from '../../src/core/ports/files.ts'
import { rangeOf } from '../../src/http/range.ts'

describe('a range', () => {
  it.each([
    [undefined, 10, 'all'],
    ['bytes=0-', 10, { from: 0, to: 10 }],
    ['bytes=0-0', 10, { from: 0, to: 1 }],
    ['bytes=3-5', 10, { from: 3, to: 6 }],
    ['bytes=3-99', 10, { from: 3, to: 10 }],
    ['bytes=-3', 10, { from: 7, to: 10 }],
    ['bytes=-99', 10, { from: 0, to: 10 }],
    ['bytes=10-', 10, 'none'],
    ['bytes=-0', 10, 'none'],
    ['bytes=0-', 0, 'none'],
    ['BYTES=1-2', 10, { from: 1, to: 3 }],
    // What is malformed, of another unit or of several parts is ignored.
    ['bytes=5-3', 10, 'all'],
    ['bytes=-', 10, 'all'],
    ['bytes=a-b', 10, 'all'],
    ['lines=1-2', 10, 'all'],
    ['bytes=0-1,3-4', 10, 'all'],
    ['bytes=0-99999999999999999999', 10, 'all'],
  ])('%s of %i bytes is %j', (header, size, expected) => {
    expect(rangeOf(header, size)).toEqual(expected)
  })
})

describe('the type of a file', () => {
  it.each([
    ['plain text', 'hello\n', 'text/plain; charset=utf-8'],
    ['nothing', '', 'text/plain; charset=utf-8'],
    ['HTML', '<html><script>alert(1)</script>', 'text/plain; charset=utf-8'],
    ['SVG', '<svg onload="alert(1)">', 'text/plain; charset=utf-8'],
    ['bytes', 'a\0b', 'application/octet-stream'],
    ['PDF with bytes', '%PDF-1.7\n\xff\xfe', 'application/octet-stream'],
    ['PNG', '\x89PNG\r\n\x1a\n...', 'image/png'],
    ['JPEG', '\xff\xd8\xff\xe0', 'image/jpeg'],
    ['WebP', 'RIFF\0\0\0\0WEBPVP8 ', 'image/webp'],
    ['a sound', 'RIFF\0\0\0\0WAVE', 'application/octet-stream'],
  ])('of %s', (_, text, type) => {
    expect(contentType(Buffer.from(text, 'latin1'), true)).toBe(type)
  })

  it('is text also when a character is cut at the end of what was looked at', () => {
    for (let n = 0; n < 4; n++) {
      const beginning = Buffer.from('x'.repeat(n) + '💥'.repeat(TELLING_BYTES)).subarray(0, TELLING_BYTES)
      expect(contentType(beginning, false)).toBe('text/plain; charset=utf-8')
    }
  })
})

describe('lines of a file', () => {
  const opened = (bytes: Buffer): OpenFile => ({
    size: bytes.length,
    modifiedAt: 0,
    version: '1',
    read: async (position, length) => bytes.subarray(position, position + length),
    [Symbol.asyncDispose]: async () => {},
  })
  const { signal } = new AbortController()

  it('are those between the breaks, wherever blocks end', async () => {
    const line = fc.oneof(
      fc.constantFrom('', 'a', 'b\r'),
      fc.integer({ min: 1, max: 300_000 }).map((n) => 'x'.repeat(n)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        async (texts, isClosed, first, more) => {
          const whole = texts.join('\n') + (isClosed && texts.length > 0 ? '\n' : '')
          // As `sed -n 'first,lastp'` counts them.
          const all = whole.match(/[^\n]*\n|[^\n]+$/g) ?? []
          const expected = all.slice(first - 1, first + more)
          const lines = await readLines(opened(Buffer.from(whole)), first, first + more, signal)
          const last = first + expected.length - 1
          expect(lines && { ...lines, bytes: lines.bytes.toString() }).toEqual(
            expected.length === 0 ? undefined : { first, last, bytes: expected.join('') },
          )
        },
      ),
      { numRuns: 150 },
    )
  })
})
