import { expect, it } from 'vitest'
import { Queue } from '../../src/agents/queue.ts'

it('what is pushed comes out in order, then it ends', async () => {
  const queue = new Queue<number>()
  const read = Array.fromAsync(queue)
  queue.push(1)
  await Promise.resolve()
  queue.push(2)
  queue.push(3)
  queue.end()
  queue.push(4)
  expect(await read).toEqual([1, 2, 3])
})

it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  'what is pushed last, %i moments after the reader has asked for more, is not lost',
  async (moments) => {
    const queue = new Queue<number>()
    queue.push(1)
    const reader = queue[Symbol.asyncIterator]()
    expect(await reader.next()).toEqual({ done: false, value: 1 })
    const next = reader.next()
    for (let n = 0; n < moments; n++) await Promise.resolve()
    queue.push(2)
    queue.end()
    expect(await next).toEqual({ done: false, value: 2 })
    expect(await reader.next()).toEqual({ done: true, value: undefined })
  },
)
