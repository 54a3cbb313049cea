import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '@claude-proxy/protocol/errors'
import { inMemory } from '../../src/core/attachments/received.ts'
import { recognise } from '../../src/core/attachments/recognise.ts'
import { gif, jpeg, pdf, png, webp } from '../support/files.ts'

const limits = { maxBytes: 1_000_000, maxImageBytes: 500_000, maxTextBytes: 600_000 }
const kindOf = (bytes: Uint8Array | string) => recognise(inMemory(Buffer.from(bytes)), 'It', limits)

test.each([
  ['image/png', png],
  ['image/jpeg', jpeg],
  ['image/gif', gif],
  ['image/webp', webp],
])('%s is known by its content, with its size', async (mediaType, make) => {
  expect(await kindOf(make(300, 7000))).toEqual({ mediaType, width: 300, height: 7000 })
  expect(await kindOf(make(8000, 8000))).toMatchObject({ width: 8000 })
})

test('the other two forms of WebP, lossy and lossless', async () => {
  const lossy = Buffer.from('RIFF\x20\0\0\0WEBPVP8 \x0a\0\0\0\x10\x02\0\x9d\x01\x2a\x2c\x01\x07\x00\0\0', 'latin1')
  expect(await kindOf(lossy)).toEqual({ mediaType: 'image/webp', width: 300, height: 7 })
  const lossless = Buffer.from('RIFF\x20\0\0\0WEBPVP8L\x0a\0\0\0\x2f\0\0\0\0\0\0\0\0\0\0\0', 'latin1')
  lossless.writeUInt32LE((300 - 1) | ((7 - 1) << 14), 21)
  expect(await kindOf(lossless)).toEqual({ mediaType: 'image/webp', width: 300, height: 7 })
})

test('a photograph whose size comes late, behind a large thumbnail', async () => {
  expect(await kindOf(jpeg(300, 7, 60_000))).toEqual({ mediaType: 'image/jpeg', width: 300, height: 7 })
})

test('a PDF, and texts in any language', async () => {
  expect(await kindOf(pdf())).toEqual({ mediaType: 'application/pdf' })
  for (const text of [
    'x',
    'größe\r\n\t日本\f',
    '\ufeff{"a": 1}',
    '💥'.repeat(100_000),
    '<html><script>alert(1)</script>',
  ])
    expect(await kindOf(text)).toEqual({ mediaType: 'text/plain' })
})

test.each([
  ['a program', Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1')],
  ['an archive', Buffer.from('PK\x03\x04')],
  ['text with NUL', 'a\0b'],
  ['text that colours a terminal', '\u001b[31mred'],
  ['text with control characters of Latin 1', 'a\u0085b'],
  ['text in Latin 1', Buffer.from('größe', 'latin1')],
  ['text in UTF-16', Buffer.from('\ufeffhello', 'utf16le')],
  ['text whose last character is cut', Buffer.from('größe').subarray(0, 3)],
  ['a picture with a page before it', Buffer.concat([Buffer.from('<html>'), png()])],
])('%s is none of what can be attached', async (_, bytes) => {
  await expect(kindOf(bytes)).rejects.toMatchObject({
    code: 'unsupported_media_type',
    message: /^It cannot be attached/,
  })
})

test.each([
  ['PNG', png(), 20],
  ['JPEG', jpeg(), 110],
  ['GIF', gif(), 8],
  ['WebP', webp(), 20],
])('a %s that is cut short is told from a whole one', async (_, bytes, length) => {
  await expect(kindOf(bytes.subarray(0, length))).rejects.toMatchObject({ message: /header is broken/ })
})

test.each([
  [png(10_000, 10_000), '10000 × 10000'],
  [jpeg(8001, 1), '8001 × 1'],
  [gif(1, 8001), '1 × 8001'],
  [webp(16_777_216, 1), '16777216 × 1'],
])('a picture of more pixels than the agent takes is refused with its size', async (bytes, size) => {
  await expect(kindOf(bytes)).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining(size) })
})

test('each kind has its own largest size', async () => {
  const filler = (length: number) => Buffer.alloc(length, ' ')
  const tooLarge = { code: 'payload_too_large', message: expect.stringMatching(/larger than \d+ bytes\.$/) }
  await expect(kindOf(png(1, 1, filler(500_000)))).rejects.toMatchObject(tooLarge)
  await expect(kindOf(filler(600_001))).rejects.toMatchObject(tooLarge)
  await expect(kindOf(Buffer.concat([pdf(), filler(1_000_000)]))).rejects.toMatchObject(tooLarge)
  expect(await kindOf(Buffer.concat([pdf(), filler(900_000)]))).toEqual({ mediaType: 'application/pdf' })
})

test('a picture whose header is broken is none', async () => {
  const lossless = Buffer.from('RIFF\x20\0\0\0WEBPVP8L\x0a\0\0\0\x2e\0\0\0\0\0\0\0\0\0\0', 'latin1')
  const unknown = Buffer.from(`RIFF\x20\0\0\0WEBPVP9 ${'\x01'.repeat(30)}`, 'latin1')
  const torn = jpeg(300, 7)
  torn[4 + 100 + 2] = 0
  for (const bytes of [lossless, unknown, torn])
    await expect(kindOf(bytes)).rejects.toMatchObject({ message: expect.stringMatching(/its header is broken\.$/) })
})

test('a JPEG may have its markers filled up with more of their first byte', async () => {
  const whole = jpeg(300, 7)
  const filled = Buffer.concat([whole.subarray(0, 2), Buffer.from([0xff, 0xff, 0xff]), whole.subarray(2)])
  expect(await kindOf(filled)).toEqual({ mediaType: 'image/jpeg', width: 300, height: 7 })
})

test('a file that cannot be read is not taken for one of another kind', async () => {
  const error = new Error('I/O error')
  const bytes = inMemory(Buffer.from('hello'))
  let reads = 0
  const read = async (at: number, length: number) => {
    if (++reads > 1) throw error
    return bytes.read(at, length)
  }
  await expect(recognise({ ...bytes, read }, 'It', limits)).rejects.toBe(error)
})

test('a JPEG of nothing but segments is not read to its end', async () => {
  let reads = 0
  const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(400_000, Buffer.from([0xff, 0xe0, 0, 2]))])
  const file = inMemory(bytes)
  const counting = { ...file, read: (at: number, length: number) => (reads++, file.read(at, length)) }
  await expect(recognise(counting, 'It', limits)).rejects.toMatchObject({ message: /header is broken/ })
  expect(reads).toBeLessThan(2000)
})

test('whatever the bytes are, the answer is a kind or a sentence', async () => {
  const starts = fc
    .constantFrom(png(), jpeg(), gif(), webp(), pdf(), Buffer.alloc(0))
    .chain((whole) =>
      fc
        .tuple(fc.nat(whole.length), fc.uint8Array({ maxLength: 200 }))
        .map(([kept, rest]) => Buffer.concat([whole.subarray(0, kept), rest])),
    )
  await fc.assert(
    fc.asyncProperty(starts, async (bytes) => {
      const outcome = await kindOf(bytes).catch((error: unknown) => error)
      if (outcome instanceof AppError) expect(outcome.message).toMatch(/^It .*\.$/)
      else expect(outcome).toHaveProperty('mediaType')
    }),
  )
})
