import { expect, it, vi } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'

const ours = 'ours' as ConversationId
const others = 'others' as ConversationId

it('a ring wakes all who listen to this conversation, and nobody else', () => {
  const bell = createBell()
  const woken: string[] = []
  using _first = bell.listen(ours, () => woken.push('first'))
  using _second = bell.listen(ours, () => woken.push('second'))
  using _other = bell.listen(others, () => woken.push('other'))
  bell.ring(ours)
  expect(woken).toEqual(['first', 'second'])
})

it('who listens to all is told which conversation has rung, until they leave', () => {
  const bell = createBell()
  const heard: string[] = []
  const listener = bell.listenAll((conversation) => heard.push(conversation))
  for (const conversation of [ours, others, ours]) bell.ring(conversation)
  listener[Symbol.dispose]()
  bell.ring(ours)
  expect(heard).toEqual(['ours', 'others', 'ours'])
})

it('who has left is not woken, and who comes after is', () => {
  const bell = createBell()
  const woken: string[] = []
  const left = bell.listen(ours, () => woken.push('left'))
  left[Symbol.dispose]()
  bell.ring(ours)
  using _listener = bell.listen(ours, () => woken.push('here'))
  bell.ring(ours)
  expect(woken).toEqual(['here'])
})

it('a ring while others are being woken is not lost', async () => {
  const bell = createBell()
  let rings = 0
  using _listener = bell.listen(ours, () => {
    if (++rings === 1) bell.ring(ours)
  })
  bell.ring(ours)
  await expect.poll(() => rings).toBe(2)
})

it('rings while everybody is being woken become one, and it is heard', async () => {
  const bell = createBell()
  let rings = 0
  using _listener = bell.listen(ours, () => {
    if (++rings > 1) return
    for (let n = 0; n < 10; n++) bell.ring(ours)
  })
  bell.ring(ours)
  await expect.poll(() => rings).toBe(2)
  await new Promise((resolve) => setImmediate(resolve))
  expect(rings).toBe(2)
})

it('rests after a round that took long, a few milliseconds at most: what rings meanwhile is one ring', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'performance'] })
  try {
    const bell = createBell()
    let rings = 0
    using _listener = bell.listen(ours, () => {
      rings++
      vi.advanceTimersByTime(50)
    })
    bell.ring(ours)
    for (let n = 0; n < 5; n++) {
      bell.ring(ours)
      vi.advanceTimersByTime(1)
    }
    expect(rings).toBe(1)
    vi.advanceTimersByTime(1)
    expect(rings).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

it('wakes thousands without holding the loop in one piece', async () => {
  const bell = createBell()
  let woken = 0
  const listeners = Array.from({ length: 1200 }, () => bell.listen(ours, () => woken++))
  bell.ring(ours)
  expect(woken).toBeLessThan(1200)
  await expect.poll(() => woken).toBe(1200)
  for (const listener of listeners) listener[Symbol.dispose]()
})
