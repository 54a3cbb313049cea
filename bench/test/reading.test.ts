import { expect, it } from 'vitest'
import { Frames, stampIn } from '../lib/frames.ts'
import { HttpBody } from '../lib/http-body.ts'

const frame = (id: number) => `id: ${id}\ndata: {"text":"#${id - 1} @ts=${1000 + id}@ x"}\n\n`
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

/** Reads `text` in pieces, always into the same memory, as the reader does. */
function read(text: string, cuts: readonly number[], numbering: 'id' | 'text' = 'id') {
  const into = Buffer.alloc(64 * 1024, '\n')
  const stamps: number[] = []
  const frames = new Frames(numbering, 0, (bytes, start, end) => stamps.push(stampIn(bytes, start, end)))
  const body = new HttpBody((bytes, start, end) => frames.feed(bytes, start, end))
  const ends = [...cuts, text.length]
  ends.forEach((end, index) => {
    const length = into.write(text.slice(ends[index - 1] ?? 0, end), 'latin1')
    body.feed(into, 0, length)
  })
  return { last: frames.last, wrong: frames.wrong, status: body.status, ended: body.ended, stamps }
}

it('a stream that is cut anywhere is read as a whole', () => {
  const text = `${HEAD}${chunk(frame(1))}${chunk(': ping\n\n')}${chunk(frame(2) + frame(3))}0\r\n\r\n`
  for (let cut = 1; cut < text.length; cut++)
    for (const numbering of ['id', 'text'] as const)
      expect(read(text, [cut], numbering)).toMatchObject({ last: 3, wrong: undefined, status: 200, ended: true })
})

it('a chunk that ends in the middle of a frame makes no difference', () => {
  const frames = frame(1) + frame(2)
  for (let cut = 1; cut < frames.length; cut++) {
    const text = `${HEAD}${chunk(frames.slice(0, cut))}${chunk(frames.slice(cut))}`
    expect(read(text, [])).toMatchObject({ last: 2, wrong: undefined })
  }
})

it.each([
  ['missing', [1, 3]],
  ['repeated', [1, 1]],
  ['out of order', [2, 1]],
])('an event that is %s is seen', (_, ids) => {
  const text = HEAD + chunk(ids.map((id) => frame(id)).join(''))
  expect(read(text, []).wrong).toMatch(/event \d+ came after event \d+/)
  expect(read(text, [], 'text').wrong).toMatch(/event \d+ came after event \d+/)
})

it('time stamps are read where the line lies whole', () => {
  expect(read(HEAD + chunk(frame(1) + frame(2)), []).stamps).toEqual([1001, 1002])
})
