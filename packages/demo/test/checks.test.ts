import { expect, test } from 'vitest'
import { checksOf, type Evidence } from '../src/checks.ts'

const LINES = ['{"type":"user"}', '{"type":"assistant"}', '{"type":"result","is_error":false}']
const FRAMES = LINES.map((data, at) => ({ id: at + 1, data }))
const GOOD: Evidence = {
  beforeCut: FRAMES.slice(0, 1),
  afterCut: FRAMES.slice(1),
  replayed: LINES,
  fileWanted: 'x',
  fileFound: 'x',
}

function broken(change: Partial<Evidence>): number {
  return checksOf({ ...GOOD, ...change }).filter((check) => !check.holds).length
}

test('a good run passes every check', () => {
  expect(broken({})).toBe(0)
})

test.each<[string, Partial<Evidence>]>([
  ['a lost event', { afterCut: FRAMES.slice(2), replayed: [LINES[0] ?? '', LINES[2] ?? ''] }],
  ['an event that comes twice', { afterCut: FRAMES, replayed: [LINES[0] ?? '', ...LINES] }],
  ['a replay with another line', { replayed: [LINES[0] ?? '', '{}', LINES[2] ?? ''] }],
  ['a replay that is too long', { replayed: [...LINES, '{}'] }],
  ['a cut at the end', { beforeCut: FRAMES, afterCut: [] }],
  ['a file with something else in it', { fileFound: 'y' }],
])('%s fails one check', (_name, change) => {
  expect(broken(change)).toBe(1)
})

test('a run that ends with an error fails', () => {
  const bad = '{"type":"result","is_error":true}'
  const afterCut = [...FRAMES.slice(1, 2), { id: 3, data: bad }]
  expect(broken({ afterCut, replayed: [...LINES.slice(0, 2), bad] })).toBe(1)
})
