import { expect, test } from 'vitest'
import { FrameReader } from '../src/sse.ts'

const STREAM = 'id: 1\ndata: {"type":"user"}\n\n: ping\n\nid: 2\ndata: {"type":"result"}\n\nid: 3\ndata: {"ty'
const FRAMES = [
  { id: 1, data: '{"type":"user"}' },
  { id: 2, data: '{"type":"result"}' },
]

test('a stream is cut into frames wherever its pieces end', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const reader = new FrameReader()
    const frames = []
    for (let at = 0; at < STREAM.length; at += size) frames.push(...reader.read(STREAM.slice(at, at + size)))
    expect(frames).toEqual(FRAMES)
  }
})
