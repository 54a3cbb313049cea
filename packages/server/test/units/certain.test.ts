import { expect, it } from 'vitest'
import { certain } from '../../src/core/certain.ts'

it('what is missing though it had to be there is an error that names it, and nothing that is there is', () => {
  expect(() => certain(undefined, 'the run')).toThrow('the run should be there, and is not')
  for (const there of [0, '', false, null]) expect(certain(there, 'a value')).toBe(there)
})
