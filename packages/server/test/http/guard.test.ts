import { mkdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'
import { guard } from '../../src/http/guard.ts'
import { startService } from '../../src/service.ts'
import { type Answer, call, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { activate, canonical, events, postStream } from './calls.ts'
import { expectError, expectProxyHeaders } from './expectations.ts'

describe('without a token', () => {
  let service: TestService

  beforeAll(async () => {
    service = await startTestService({ config: { allowedHosts: ['Proxy.Example'], allowedOrigins: [FRIEND] } })
  })

  afterAll(() => service[Symbol.asyncDispose]())

  const FRIEND = 'https://friend.example'
  const health = (headers: Record<string, string>) => call(`${service.base}/healthz`, { headers })

  test.each([
    '127.0.0.1',
    '127.0.0.1:8787',
    '127.0.0.1:1',
    'localhost:8787',
    'LOCALHOST:9000',
    'localhost.',
    '[::1]:8787',
    '10.1.2.3:80',
    'proxy.example',
    'PROXY.example:8787',
  ])('a request to %s comes in: a tunnel may end at any port', async (host) => {
    expect((await health({ host })).status).toBe(200)
  })

  test.each([
    'evil.example',
    'evil.example:8787',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'sub.proxy.example',
    'localhost@evil.example',
    '127.0.0.1:8787:evil',
    '[::1].evil.example',
  ])('a request to %s does not: a name can be pointed at this machine', async (host) => {
    const answer = await health({ host })
    expect(answer.status).toBeOneOf([400, 403])
    expectError(answer, answer.status, answer.status === 403 ? 'forbidden_host' : 'bad_request')
  })

  test.each(['http://evil.example', 'null', 'https://friend.example.evil', 'http://friend.example', 'file://', ''])(
    'a page of %j may not call, not even for the health',
    async (origin) => {
      expectError(await health({ origin }), 403, 'forbidden_origin')
      const body = { conversation_id: 'page', cwd: service.folder(), text: 'hello' }
      expectError(await postStream(service, body, { origin }), 403, 'forbidden_origin')
      expectError(await events(service, 'page'), 404, 'conversation_unknown')
    },
  )

  test.each(['http', 'https'])('a page of the very address that it calls may, by %s', async (scheme) => {
    const host = new URL(service.base).host
    const answer = await health({ origin: `${scheme}://${host}`, 'sec-fetch-site': 'same-origin' })
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('a page of another port of this machine may not', async () => {
    expectError(await health({ origin: 'http://127.0.0.1:1' }), 403, 'forbidden_origin')
  })

  test.each([
    ['cross-site', 403],
    ['same-site', 403],
    ['same-origin', 200],
    ['none', 200],
  ])('a browser that says %s gets %i', async (site, status) => {
    const answer = await health({ 'sec-fetch-site': site })
    expect(answer.status).toBe(status)
    if (status === 403) expectError(answer, 403, 'forbidden_origin')
  })

  test('a page that the operator allows may read answers, errors and the headers that matter', async () => {
    const headers = { origin: FRIEND, 'sec-fetch-site': 'cross-site' }
    const good = await health(headers)
    expect(good.status).toBe(200)
    const bad = await call(`${service.base}/v1/conversations/nobody/events`, { headers })
    expectError(bad, 404, 'conversation_unknown')
    for (const { headers: got } of [good, bad]) {
      expect(got).toMatchObject({ 'access-control-allow-origin': FRIEND, vary: expect.stringMatching(/origin/i) })
      expect(got['access-control-expose-headers']).toContain('x-proxy-last-event-id')
    }
    const body = { conversation_id: 'friend', cwd: service.folder(), text: 'hello' }
    const streamed = await postStream(service, body, headers)
    expect(streamed.headers['access-control-allow-origin']).toBe(FRIEND)
  })

  test('a browser that asks first hears what it may do', async () => {
    const asks = { origin: FRIEND, 'access-control-request-method': 'POST' }
    const answer = await call(`${service.base}/v1/agent/stream`, { method: 'OPTIONS', headers: asks })
    expect(answer.status).toBe(204)
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': FRIEND })
    expect(answer.headers['access-control-allow-methods']).toContain('POST')
    expect(answer.headers['access-control-allow-headers']).toContain('last-event-id')
    const stranger = { ...asks, origin: 'http://evil.example' }
    const refused = await call(`${service.base}/v1/agent/stream`, { method: 'OPTIONS', headers: stranger })
    expectError(refused, 403, 'forbidden_origin')
    expect(refused.headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('with a token', () => {
  let service: TestService

  beforeAll(async () => {
    service = await startTestService({ config: { token: 'Geheim-123', allowedOrigins: ['https://friend.example'] } })
  })

  afterAll(() => service[Symbol.asyncDispose]())

  const ask = (headers: Record<string, string>) =>
    call(`${service.base}/v1/conversations/canonical?cwd=${encodeURIComponent(service.folder())}`, { headers })

  test.each([
    'none',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'Bearer geheim-123',
    'Bearer Geheim-12',
    'Bearer Geheim-1234',
    'Basic Geheim-123',
    'Geheim-123',
  ])('%j is not let in', async (authorization) => {
    const headers = authorization === 'none' ? {} : { authorization }
    for (const answer of [await ask(headers), await postStream(service, {}, headers)]) expectUnauthorized(answer)
    expectUnauthorized(await call(`${service.base}/nowhere`, { headers }))
  })

  test.each(['Bearer Geheim-123', 'bearer Geheim-123', 'BEARER  Geheim-123'])('%j is', async (authorization) => {
    expect((await ask({ authorization })).status).toBe(200)
  })

  test('the token does not open the door to foreign pages and names', async () => {
    const authorization = 'Bearer Geheim-123'
    expectError(await ask({ authorization, origin: 'http://evil.example' }), 403, 'forbidden_origin')
    expectError(await ask({ authorization, host: 'evil.example' }), 403, 'forbidden_host')
  })

  test('the health and the question of a browser are open to all', async () => {
    const answer = await call(`${service.base}/healthz`)
    expect(answer).toMatchObject({ status: 200, json: { status: 'ok' } })
    const headers = { origin: 'https://friend.example', 'access-control-request-method': 'POST' }
    expect((await call(`${service.base}/v1/agent/stream`, { method: 'OPTIONS', headers })).status).toBe(204)
  })

  function expectUnauthorized(answer: Answer): void {
    expectError(answer, 401, 'unauthorized')
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.text).not.toContain('Geheim')
  }
})

describe('addresses', () => {
  const start = (host: string, token = '') => {
    const config = readConfig(['--port', '0', '--data-dir', join(tmpdir(), 'never-made'), '--agent', 'scripted'], {})
    return startService({ ...config, host, token }, {}, { info() {}, warn() {}, error() {} })
  }

  test.each(['0.0.0.0', '::', '', '10.0.0.1', 'example.org', '127.evil.example', '127.0.0.1.evil.example'])(
    'the service refuses to listen on %j for everybody',
    async (host) => {
      await expect(start(host)).rejects.toThrow(ConfigError)
      await expect(start(host)).rejects.toThrow(/CLAUDE_PROXY_TOKEN/)
    },
  )

  test('it listens for everybody who has the token', async () => {
    await using service = await startTestService({ config: { host: '0.0.0.0', token: 'Geheim-123' } })
    const base = service.base.replace('0.0.0.0', '127.0.0.1')
    const answer = await call(`${base}/v1/conversations/x/events`)
    expectError(answer, 401, 'unauthorized')
    expectProxyHeaders(answer.headers)
  })
})

describe('folders that the operator allows', () => {
  test('are open with all below them, and nothing beside them is, whatever it is called', async () => {
    await using service = await startTestService()
    const allowed = service.folder('allowed')
    const inside = service.folder('allowed/inside')
    const beside = service.folder('allowed-not')
    symlinkSync(beside, join(allowed, 'way-out'))
    mkdirSync(join(beside, 'deep'))
    await using narrow = await startTestService({ config: { allowedRoots: [allowed] } })
    for (const cwd of [allowed, inside, `${inside}/../`]) {
      const body = { conversation_id: `in-${cwd.length}`, cwd, text: 'hello' }
      expect((await streamAll(narrow.base, body)).at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
    }
    const outside = [beside, join(beside, 'deep'), join(allowed, 'way-out'), `${allowed}/../allowed-not`, '/', '~']
    for (const cwd of outside) {
      for (const text of ['hello', undefined])
        expectError(await postStream(narrow, { conversation_id: 'out', cwd, text }), 403, 'forbidden_folder')
      expectError(await canonical(narrow, cwd), 403, 'forbidden_folder')
      expectError(await activate(narrow, 'out', cwd), 403, 'forbidden_folder')
    }
    expectError(await events(narrow, 'out'), 404, 'conversation_unknown')
  })
})

test('a request that names no host is not let in by the guard either, whoever else would refuse it', () => {
  const rules = { allowedHosts: ['proxy.example'], allowedOrigins: [] }
  expect(() => guard({}, undefined, rules)).toThrow(/not known as ""/)
  expect(() => guard({ host: 'localhost' }, undefined, rules)).toThrow(/not known as ""/)
  expect(() => guard({ host: 'localhost' }, 'proxy.example', rules)).not.toThrow()
})
