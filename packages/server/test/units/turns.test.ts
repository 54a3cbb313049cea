import { expect, test } from 'vitest'
import { createTurns } from '../../src/workspace/git/turns.ts'

const signal = new AbortController().signal

test('so many have a turn at once, and who waits comes in its order', async () => {
  const turn = createTurns(2)
  const first = await turn(signal)
  await turn(signal)
  const came: string[] = []
  const third = turn(signal).then((it) => (came.push('third'), it))
  const fourth = turn(signal).then((it) => (came.push('fourth'), it))
  await Promise.resolve()
  expect(came).toEqual([])
  first[Symbol.dispose]()
  const { [Symbol.dispose]: over } = await third
  expect(came).toEqual(['third'])
  over()
  await fourth
  expect(came).toEqual(['third', 'fourth'])
})

test('who does not want it any more when its turn comes leaves it to the next', async () => {
  const turn = createTurns(1)
  const first = await turn(signal)
  const gone = new AbortController()
  const left = turn(gone.signal)
  const next = turn(signal)
  gone.abort(new Error('gone'))
  first[Symbol.dispose]()
  await expect(left).rejects.toThrow('gone')
  await next
})
