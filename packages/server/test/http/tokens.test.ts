import { ENDPOINTS, type EndpointName, type Scope, SCOPES } from '@claude-proxy/protocol/endpoints'
import { EXAMPLES } from '@claude-proxy/protocol/examples'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { newToken, revoke } from '../support/tokens.ts'
import { expectError } from './expectations.ts'

const NAMES = Object.keys(ENDPOINTS) as EndpointName[]
const scopeOf = (name: EndpointName) => (ENDPOINTS[name] as { scope?: Scope }).scope

/** Knocks at a door as its example does; what it names is not there, so that nothing comes of it. */
function knock(base: string, name: EndpointName, headers: Record<string, string>): Promise<Answer> {
  const { method, path } = ENDPOINTS[name]
  const { path: params = {}, query = {}, body } = EXAMPLES[name] ?? {}
  const target = path.replaceAll(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key] ?? 'x'))
  const ending = 'isEndless' in ENDPOINTS[name] ? { close_after: '1' } : {}
  const search = Object.entries({ ...query, ...ending }).map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
  return call(`${base}${target}?${search.join('&')}`, { method, headers, ...(body && { body }) })
}

describe('every door', () => {
  let service: TestService
  const tokens = new Map<Scope, { authorization: string }>()

  beforeAll(async () => {
    service = await startTestService({ config: { requireToken: true } })
    for (const scope of SCOPES) tokens.set(scope, (await newToken(service, { scopes: [scope] })).headers)
  })
  afterAll(() => service[Symbol.asyncDispose]())

  test.each(NAMES)('%s is open to everybody, or to tokens of its scope and no other', async (name) => {
    const needed = scopeOf(name)
    const without = await knock(service.base, name, {})
    if (needed === undefined) expect(without.status).toBe(200)
    else expectError(without, 401, 'unauthorized')
    for (const scope of SCOPES) {
      const answer = await knock(service.base, name, tokens.get(scope) ?? {})
      expect(answer.status).not.toBe(401)
      if (needed !== undefined && scope !== needed) expectError(answer, 403, 'forbidden_scope', { needed })
      // It may lack the scope to decide beforehand, which the example of a run asks for.
      else if (answer.json?.['error'] === 'forbidden_scope')
        expect([scope, answer.json['needed']]).toEqual(['run', 'approve'])
    }
  })

  test('a door that is none is a 404 only for who may come in', async () => {
    expectError(await call(`${service.base}/v1/nowhere`), 401, 'unauthorized')
    expectError(await call(`${service.base}/v1/nowhere`, { headers: tokens.get('read') ?? {} }), 404, 'not_found')
  })
})

describe('a token', () => {
  test('that may run and not approve cannot decide beforehand what it could not decide when asked', async () => {
    await using service = await startTestService({ config: { trustedRoots: ['/'] } })
    const { headers } = await newToken(service, { scopes: ['read', 'run'] })
    const { headers: whole } = await newToken(service, { scopes: ['read', 'run', 'approve'] })
    const cwd = service.folder()
    const start = (more: object, as = headers) =>
      call(`${service.base}/v1/agent/stream`, {
        method: 'POST',
        headers: as,
        body: { conversation_id: 'c', cwd, text: 'hello', ...more },
      })
    const unasked = [
      { allowed_tools: ['Bash'] },
      { tool_approvals: { allow: ['Bash'] } },
      { permission_mode: 'acceptEdits' },
      { settings: { permissions: {} } },
      { setting_sources: ['project'] },
      { mcp_servers: { x: { command: 'true' } } },
    ]
    for (const more of unasked) expectError(await start(more), 403, 'forbidden_scope', { needed: 'approve' })
    expectError(await call(`${service.base}/v1/conversations/c/events`, { headers }), 404, 'conversation_unknown')
    expect((await start({ permission_mode: 'plan', tool_approvals: { deny: ['Bash'] } })).status).toBe(200)
    expect((await start({ allowed_tools: ['Bash'] }, whole)).status).toBe(200)
    const change = (as: object) =>
      call(`${service.base}/v1/conversations/c`, {
        method: 'PATCH',
        headers: { ...as },
        body: { permission_mode: 'acceptEdits' },
      })
    expectError(await change(headers), 403, 'forbidden_scope', { needed: 'approve' })
    expect((await change(whole)).status).toBe(200)
  })

  test('opens nothing once it is revoked or expired, and what is open for it ends within seconds', async () => {
    await using service = await startTestService({ config: { requireToken: true } })
    const [one, other] = [await newToken(service), await newToken(service)]
    const cwd = service.folder()
    const made = await call(`${service.base}/v1/conversations`, { method: 'POST', headers: one.headers, body: { cwd } })
    const url = `${service.base}/v1/conversations/${String(made.json?.['conversation_id'])}/stream`
    const streams = await Promise.all([one, other].map(({ headers }) => fetch(url, { headers })))
    const ended = streams.map(async ({ body }) => {
      for await (const _ of body ?? []);
    })
    const stillOpen = Promise.race([ended[1]?.catch(() => {}).then(() => 'ended'), ended[0]?.catch(() => 'revoked')])
    await revoke(service, one.name)
    expectError(await call(url, { headers: one.headers }), 401, 'unauthorized')
    await expect(ended[0]).rejects.toThrow()
    expect(await stillOpen).toBe('revoked')
    await streams[1]?.body?.cancel().catch(() => {})
    ended[1]?.catch(() => {})
    const list = (headers: Record<string, string>) => call(`${service.base}/v1/conversations`, { headers })
    expect((await list(other.headers)).status).toBe(200)
    const past = await newToken(service, { expiresAt: Date.now() - 1 })
    expectError(await list(past.headers), 401, 'unauthorized')
  })

  test('is not needed on loopback, but who shows one has no more than it allows', async () => {
    await using service = await startTestService()
    const { headers, name, secret } = await newToken(service, { scopes: ['read'] })
    const make = (as: Record<string, string>) =>
      call(`${service.base}/v1/conversations`, { method: 'POST', headers: as, body: { cwd: service.folder() } })
    expect((await make({})).status).toBe(200)
    expect((await make({ authorization: 'Bearer of something else' })).status).toBe(200)
    expectError(await make(headers), 403, 'forbidden_scope', { needed: 'run' })
    expectError(await make({ authorization: `Bearer ${secret}x` }), 401, 'unauthorized')
    await revoke(service, name)
    expectError(await make(headers), 401, 'unauthorized')
  })

  test('leaves the token of the configuration what it was: everything', async () => {
    await using service = await startTestService({ config: { token: 'Geheim-123' } })
    const named = await newToken(service, { scopes: ['read'] })
    const list = (authorization: string) => call(`${service.base}/v1/conversations`, { headers: { authorization } })
    expect((await list('Bearer Geheim-123')).status).toBe(200)
    expect((await list(named.headers.authorization)).status).toBe(200)
    expectError(await list('Bearer Geheim-124'), 401, 'unauthorized')
  })
})
