import { expect, it } from 'vitest'
import { runPart } from '../lib/run.ts'
import { PARTS } from '../parts.ts'

/** Another one each time: what it finds can be repeated with `npm run torture -- --brief --seed N`. */
const seed = Math.floor(Math.random() * 2 ** 31)

it.each(PARTS.map((part) => [part.sentence, part] as const))('%s', { timeout: 180_000 }, async (_, part) => {
  const figures = await runPart(part, { seed, brief: true, signal: AbortSignal.timeout(170_000), say() {} })
  expect(figures).not.toEqual([])
})
