import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { TokenId } from '../../src/core/ports/access.ts'
import { createRevocation } from '../../src/http/revoked.ts'

const TOKEN = 'token' as TokenId
const log = { info() {}, warn() {}, error() {} }

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

async function gone(): Promise<ServerResponse> {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const closed = once(response, 'close')
  response.destroy()
  await closed
  return response
}

test('a token is looked at as long as something is open for it, and no longer', async () => {
  const holds = vi.fn(async () => true)
  const revocation = createRevocation({ holds }, log)
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  revocation.watch(TOKEN, response)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(holds).toHaveBeenCalledWith(TOKEN)
  const closed = once(response, 'close')
  response.destroy()
  await closed
  expect(vi.getTimerCount()).toBe(0)
})

test('nothing is kept of a request whose client has gone before its token was known', async () => {
  const revocation = createRevocation({ holds: async () => true }, log)
  revocation.watch(TOKEN, await gone())
  expect(vi.getTimerCount()).toBe(0)
})
