import { expect, it } from 'vitest'
import { count, counted, duration } from '../src/amounts.ts'
import { daysBefore, daysFrom, nameOfDay, topOf } from '../src/view/usage/days.ts'

it('days follow one another without a hole, over the end of a month and a change of the clock', () => {
  expect(daysFrom('2026-02-27', '2026-03-02')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02'])
  expect(daysFrom('2026-10-24', '2026-10-26')).toHaveLength(3)
  expect(nameOfDay(daysBefore(new Date(2026, 2, 3, 0, 30), 4))).toBe('2026-02-27')
})

it.each([
  [0, 1],
  [0.03, 0.05],
  [0.2, 0.2],
  [7, 10],
  [1_200_000, 2_000_000],
])('an axis with %d in it ends at %d', (most, top) => {
  expect(topOf(most)).toBeCloseTo(top)
})

it.each([
  [0, '0 ms'],
  [94, '94 ms'],
  [1240, '1.2 s'],
  [9990, '10 s'],
  [59_600, '1 min 0 s'],
  [83_000, '1 min 23 s'],
  [7_500_000, '2 h 5 min'],
])('%d milliseconds are %s', (ms, words) => {
  expect(duration(ms)).toBe(words)
})

it('many of a thing are said shortly', () => {
  expect([count(950), count(1_234_567), counted(1, 'file'), counted(2, 'file')]).toEqual([
    '950',
    '1.2M',
    '1 file',
    '2 files',
  ])
})
