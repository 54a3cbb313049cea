import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { findFolder, isBelow } from '../../src/core/folders.ts'

it.each([
  ['/a', ['/a'], true],
  ['/a/b', ['/a'], true],
  ['/ab', ['/a'], false],
  ['/a', ['/a/b'], false],
  ['/a/b', ['/c', '/a'], true],
  ['/a', [], false],
  ['/a', ['/'], true],
  ['/', ['/'], true],
  ['/A', ['/a'], false],
])('%s below %j: %s', (path, roots, expected) => {
  expect(isBelow(path, roots)).toBe(expected)
})

const name = fc.stringMatching(/^[a-z.]{1,3}$/)
const path = fc.array(name, { maxLength: 4 })

it('a folder lies below another exactly when its names begin with the names of the other', () => {
  fc.assert(
    fc.property(path, path, (root, names) => {
      const expected = root.every((each, n) => names[n] === each)
      expect(isBelow(`/${names.join('/')}`, [`/${root.join('/')}`])).toBe(expected)
    }),
  )
})

it('a path that no system takes is refused like one that is not there', async () => {
  const rules = { allowedRoots: [], trustedRoots: [] }
  const refusal = { code: 'bad_request', message: expect.stringMatching(/^cwd cannot be used: /) }
  await expect(findFolder('/a\0b', rules)).rejects.toMatchObject(refusal)
})
