import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, call, streamAll } from '../support/client.ts'
import { type RawAnswer, rawPost, sendRaw } from '../support/raw.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { post, postStream } from './calls.ts'
import { expectError, expectProxyHeaders, expectWholeRuns } from './expectations.ts'

const MOST_BYTES = 64 * 1024

let service: TestService

beforeAll(async () => {
  service = await startTestService({ config: { maxBodyBytes: MOST_BYTES } })
})

afterAll(async () => {
  await service[Symbol.asyncDispose]()
  expect(service.complaints).toEqual([])
})

const PATHS = {
  '/healthz': 'GET',
  '/v1/agent/stream': 'POST',
  '/v1/agent/tool_permission': 'POST',
  '/v1/conversations/canonical': 'GET',
  '/v1/conversations/activate': 'POST',
  '/v1/conversations/x/events': 'GET',
}
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']

describe.each(Object.entries(PATHS))('F4: %s', (path, right) => {
  test.each(METHODS.filter((method) => method !== right))('refuses %s and says what it takes', async (method) => {
    const answer = await call(`${service.base}${path}`, { method })
    expectError(answer, 405, 'method_not_allowed')
    expect(answer.headers.allow).toBe(right)
  })

  test('tells OPTIONS what it takes', async () => {
    const answer = await call(`${service.base}${path}`, { method: 'OPTIONS' })
    expect(answer).toMatchObject({ status: 204, text: '' })
    expect(answer.headers.allow).toContain(right)
    expectProxyHeaders(answer.headers)
  })
})

test.each([
  '/docs/x',
  '/redoc',
  '/v1',
  '/v1/agent/stream/',
  '/v1/agent/stream/x',
  '/v1/conversation',
  '/v1/conversations//events',
  '/v1/conversations/x/y',
  '/v1/conversations/x/y/events',
  '/v1/agent/STREAM',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/%zz',
  '/%00',
  '//healthz',
  '/healthz%20',
])('F4: nothing is at %s, in the shape of all errors', async (path) => {
  for (const method of ['GET', 'POST']) {
    const answer = asAnswer(await sendRaw(service.base, plain(method, path)))
    expectError(answer, 404, 'not_found')
  }
})

test.each(['%E0%A4%A', '%', '%zz', '%00', '%ff', 'a%2Fb', 'a%20b', '-', '..%2f', 'x'.repeat(129)])(
  'the id %j in a path is refused',
  async (id) => {
    const answer = asAnswer(await sendRaw(service.base, plain('GET', `/v1/conversations/${id}/events`)))
    expectError(answer, 400, 'bad_request')
  },
)

test.each([
  ['noise', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400],
  ['words', 'HELLO\r\n\r\n', 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['a blank in the path', 'GET /health z HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a star as path', 'GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
  ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['a Host that is none', 'GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
  ['a header without colon', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n', 400],
  ['headers without end', `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
  ['two lengths', rawPost('/v1/agent/stream', '{}', { 'Content-Length': '2\r\nContent-Length: 3' }), 400],
  ['a length and chunks', rawPost('/v1/agent/stream', '0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }), 400],
  ['a length that is no number', rawPost('/v1/agent/stream', '{}', { 'Content-Length': 'two' }), 400],
  [
    'chunks that are none',
    'POST /v1/agent/stream HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}',
    400,
  ],
  ['an expectation nobody fulfils', rawPost('/v1/agent/stream', '{}', { Expect: 'a miracle' }), 417],
])('F4: %s instead of HTTP is answered in the shape of all errors', async (_, bytes, status) => {
  const answer = asAnswer(await sendRaw(service.base, bytes))
  expectError(answer, status, 'bad_request')
  expect(answer.headers.connection).toBe('close')
})

test('a path with the whole address in it is understood', async () => {
  const request = 'GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  expect((await sendRaw(service.base, request)).status).toBe(200)
})

describe.each(['/v1/agent/stream', '/v1/conversations/activate', '/v1/agent/tool_permission'])(
  'the body of %s',
  (path) => {
    test.each(['text/plain', 'text/plain; charset=utf-8', 'multipart/form-data; boundary=x', 'application/xml', 'x'])(
      'is not taken as %s',
      async (type) => {
        const answer = await post(service, path, '{}', { 'content-type': type })
        expectError(answer, 415, 'unsupported_media_type')
      },
    )

    test('is not taken from a form of a web page', async () => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', referer: 'http://evil.example/' }
      expectError(await post(service, path, '{}', headers), 415, 'unsupported_media_type')
    })

    test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/problem+json'])(
      'is read as %s',
      async (type) => {
        const answer = await post(service, path, '{}', { 'content-type': type })
        expectError(answer, 400, 'bad_request', { message: 'conversation_id is required.' })
      },
    )

    test('is read as what curl -d calls it, and without a name', async () => {
      for (const headers of [{ 'content-type': 'application/x-www-form-urlencoded' }, {}])
        expectError(await post(service, path, '{}', headers), 400, 'bad_request')
    })

    test('is refused when its length says that it is too large, before it is sent', async () => {
      const head = rawPost(path, '', { 'Content-Length': String(MOST_BYTES + 1) })
      const answer = asAnswer(await sendRaw(service.base, head))
      expectError(answer, 413, 'payload_too_large')
      expect(answer.headers.connection).toBe('close')
    })

    test('is refused when it grows too large in chunks', async () => {
      const chunk = `${(MOST_BYTES + 1).toString(16)}\r\n${' '.repeat(MOST_BYTES + 1)}\r\n`
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`
      expectError(asAnswer(await sendRaw(service.base, head + chunk)), 413, 'payload_too_large')
    })

    test('may be as large as the limit', async () => {
      const answer = await post(service, path, '{}'.padEnd(MOST_BYTES))
      expectError(answer, 400, 'bad_request', { message: 'conversation_id is required.' })
    })

    test('has to be UTF-8', async () => {
      const bytes = Buffer.from(rawPost(path, '{"conversation_id":"\xff"}', { Connection: 'close' }), 'latin1')
      const length = Buffer.from(
        bytes.toString('latin1').replace(/Content-Length: \d+/, 'Content-Length: 23'),
        'latin1',
      )
      expectError(asAnswer(await sendRaw(service.base, length)), 400, 'bad_request')
    })
  },
)

test('A2: a client that goes away in the middle of its body leaves nothing behind, and is no fault of ours', async () => {
  const torn = await startTestService()
  const body = { conversation_id: 'torn', cwd: torn.folder(), text: 'hello' }
  const bytes = rawPost('/v1/agent/stream', JSON.stringify(body), { 'Content-Length': '4000' })
  const socket = connect(Number(new URL(torn.base).port), '127.0.0.1')
  await new Promise((resolve) => socket.write(bytes, resolve))
  // Connections are taken in order: this answer says that the other one has been seen.
  await call(`${torn.base}/healthz`)
  socket.destroy()
  expectWholeRuns(await streamAll(torn.base, body), 1)
  await torn[Symbol.asyncDispose]()
  expect(torn.complaints).toEqual([])
})

test.each([
  ['+', 'c++'],
  ['&', 'a&b'],
  ['%', '100%'],
  ['#', 'c#'],
  ['?', 'what?'],
  ['=', 'a=b'],
  ['blank', 'a b'],
  ['%2B', 'a%2Bb'],
  ['quotes', `it's "it"`],
  ['ünïcödé', 'ünïcödé'],
])('a folder with %s in its name is found in a body and in a query', async (_, name) => {
  const cwd = service.folder(name)
  const id = `name-${Buffer.from(name).toString('hex')}`
  const all = await streamAll(service.base, { conversation_id: id, cwd, text: 'hello' })
  // As the app encodes: the plus, and what else may stand in a query, stay as they are.
  const query = encodeURIComponent(cwd).replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')
  const found = asAnswer(await sendRaw(service.base, plain('GET', `/v1/conversations/canonical?cwd=${query}`)))
  expect(found.json).toEqual({ canonical_id: id, cwd, created: false })
  const path = `/v1/conversations/${id}/events?cwd=${query}&since=1`
  const lines = asAnswer(await sendRaw(service.base, plain('GET', path))).text.split('\n')
  expect(lines).toHaveLength(all.length)
})

const GOOD = JSON.stringify({ conversation_id: 'x', cwd: '/', text: 'x' })
const STREAM = '/v1/agent/stream'

test.each([
  ['no Host', rawPost(STREAM, GOOD).replace(/Host: .*\r\n/, '')],
  ['a foreign Host', rawPost(STREAM, GOOD, { Host: 'evil.example' })],
  ['a Host that is none', rawPost(STREAM, GOOD, { Host: 'a b' })],
  ['a foreign Origin', rawPost(STREAM, GOOD, { Origin: 'http://evil.example' })],
  ['a wrong type', rawPost(STREAM, GOOD, { 'Content-Type': 'text/plain' })],
  ['a wrong method', rawPost(STREAM, GOOD).replace('POST', 'PUT')],
  ['no JSON', rawPost(STREAM, 'x')],
])('the error for %s at the stream ends the connection, so that the app shows it at once', async (_, bytes) => {
  const answer = await sendRaw(service.base, bytes)
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.headers).toMatchObject({ connection: 'close', 'content-length': String(answer.body.length) })
})

test('one refused request after the other on one connection does not confuse the next', async () => {
  const bad = rawPost('/v1/conversations/activate', '{"x":')
  const answers = await sendRaw(service.base, bad + bad + plain('GET', '/healthz'))
  expect(answers.status).toBe(400)
  const text = answers.body.toString()
  expect(text).toContain('{"status":"ok"')
  expect(text.match(/"bad_request"/g)).toHaveLength(2)
})

test('after all this the service works as before', async () => {
  const body = { conversation_id: 'after', cwd: service.folder(), text: 'hello' }
  expectWholeRuns(await streamAll(service.base, body), 1)
  expect((await postStream(service, { ...body, text: '' })).status).toBe(400)
})

function plain(method: string, path: string): string {
  return `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:8787\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}

function asAnswer({ status, headers, body }: RawAnswer): Answer {
  const text = body.toString()
  let json: Answer['json']
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status, headers, text, json }
}
