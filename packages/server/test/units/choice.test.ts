import { expect, test } from 'vitest'
import { chosen } from '../../src/core/log/choice.ts'
import type { FeedPage } from '../../src/core/ports/feed.ts'
import { fresh, told } from '../contract/samples.ts'

const { id } = fresh()
const other = fresh().id

function page(...lines: string[]): FeedPage {
  const at = { commit: 7, events: 0 } as FeedPage['next']
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const batch = { conversation: id, first: 5, count: lines.length, lines: bytes, at }
  return { batches: [batch, { ...batch, conversation: other }], next: { ...at, events: lines.length }, isLevel: true }
}

const ofType = (type: string, ...lines: string[]) =>
  chosen(page(...lines), { only: new Set([id]), types: new Set([type]) })
    .batches.flatMap((batch) => told(batch))
    .map(({ number, line, place }) => [number, line, place.events])

test('events are chosen by their type wherever it stands in them, with their numbers and places', () => {
  const early = '{"type":"user","n":1}'
  const late = '{"message":{"type":"text"},"type":"user"}'
  const result = '{"n":3,"type":"result"}'
  expect(ofType('user', early, result, late)).toEqual([
    [5, early, 1],
    [7, late, 3],
  ])
  expect(ofType('result', early, result, late)).toEqual([[6, result, 2]])
})

test('the last events of a batch are left out as those before them are', () => {
  expect(ofType('user', '{"type":"user"}', '{"type":"result"}')).toEqual([[5, '{"type":"user"}', 1]])
  expect(ofType('user', '{"type":"result"}')).toEqual([])
})

test('what is no event, as a batch of an import may hold, has no type', () => {
  for (const line of ['null', '7', '{"n":1}']) {
    expect(ofType('user', line)).toEqual([])
    expect(ofType('', line)).toHaveLength(1)
  }
})

test('who wants all gets the very same page', () => {
  const all = page('{"type":"user"}')
  expect(chosen(all, { only: undefined, types: undefined })).toBe(all)
})
