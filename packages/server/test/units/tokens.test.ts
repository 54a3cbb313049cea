import { expect, test } from 'vitest'
import { createTokens, type TokenRequest } from '../../src/core/access/tokens.ts'
import { newHexId, newSecret } from '../../src/random.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

const actor = { who: 'operator', agent: 'test', from: undefined }
const request: TokenRequest = { name: 'phone', scopes: ['read'], roots: undefined, expiresAt: undefined }

function opened() {
  const store = createMemoryStore()
  const clock = { at: 1000, now: () => clock.at }
  return { store, clock, tokens: createTokens({ store, clock, newId: newHexId, newSecret }) }
}

test.each([
  ['for nothing', { scopes: [] }, /has to be for something/],
  ['for no folder', { roots: [] }, /for no folder/],
  ['that calls itself the operator', { name: 'operator' }, /cannot be the name/],
  ['that calls itself a comment', { name: '#x' }, /cannot be the name/],
  ['without a name', { name: '' }, /cannot be the name/],
])('a token %s is not made, and leaves no word that it was', async (_, more, sentence) => {
  const { store, tokens } = opened()
  await expect(tokens.create({ ...request, ...more }, actor)).rejects.toThrow(sentence)
  expect(await store.tokens()).toEqual([])
  expect(await store.audit({ limit: 9 })).toEqual([])
})

test('a token is revoked by its name or by its id, once, and opens nothing from then on', async () => {
  const { store, tokens } = opened()
  for (const by of ['name', 'id'] as const) {
    const { secret, ...token } = await tokens.create(request, actor)
    expect(await tokens.of(secret)).toEqual(token)
    expect(await tokens.revoke(token[by], actor)).toEqual(token)
    expect(await tokens.of(secret)).toBeUndefined()
    expect(await tokens.holds(token.id)).toBe(false)
    expect(await tokens.revoke(token[by], actor)).toBeUndefined()
  }
  const actions = (await store.audit({ limit: 9 })).map(({ action }) => action)
  expect(actions).toEqual(['createToken', 'revokeToken', 'createToken', 'revokeToken'])
})

test('a token that somebody else is revoking was not revoked here', async () => {
  const { store, clock } = opened()
  const theirs = createTokens({ store, clock, newId: newHexId, newSecret })
  const slow: typeof store = {
    ...store,
    async tokens() {
      const all = await store.tokens()
      await theirs.revoke('phone', actor)
      return all
    },
  }
  const ours = createTokens({ store: slow, clock, newId: newHexId, newSecret })
  await ours.create(request, actor)
  expect(await ours.revoke('phone', actor)).toBeUndefined()
  expect((await store.audit({ limit: 9 })).filter(({ action }) => action === 'revokeToken')).toHaveLength(1)
})

test('a token opens until the moment in which it expires', async () => {
  const { clock, tokens } = opened()
  const { id, secret } = await tokens.create({ ...request, expiresAt: 2000 }, actor)
  clock.at = 1999
  expect([await tokens.holds(id), await tokens.of(secret)]).toMatchObject([true, { id }])
  clock.at = 2000
  expect([await tokens.holds(id), await tokens.of(secret)]).toEqual([false, undefined])
})
