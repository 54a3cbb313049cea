import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonical, events } from '../http/calls.ts'
import { rawPost, sendRaw } from '../support/raw.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** What pages of strangers can have a browser send, as browsers spell it. */

let service: TestService

beforeAll(async () => {
  service = await startTestService()
})

afterAll(async () => {
  await service[Symbol.asyncDispose]()
  expect(service.complaints).toEqual([])
})

const CROSS = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', Referer: 'https://evil.example/' }
const DOORS = ['/v1/agent/stream', '/v1/agent/prepare', '/v1/agent/tool_permission', '/v1/conversations/activate']

/** A prompt that would be obeyed, in a folder of its own. */
function prompt() {
  const cwd = service.folder()
  const id = `p-${cwd.split('-').at(-1)}`
  return {
    cwd,
    id,
    body: JSON.stringify({ conversation_id: id, cwd, text: 'pwned', permission_id: 'x', behavior: 'allow' }),
  }
}

async function expectNothingCame({ cwd, id }: { cwd: string; id: string }): Promise<void> {
  expect((await events(service, id)).status).toBe(404)
  expect((await canonical(service, cwd)).json).toMatchObject({ created: true })
}

/** The three types that a page may send anywhere without asking first (Fetch standard), with JSON inside. */
test.each([
  ['a form', 'application/x-www-form-urlencoded', 'navigate'],
  ['a form with parts', 'multipart/form-data; boundary=----WebKitFormBoundary', 'navigate'],
  ['a form of plain text', 'text/plain', 'navigate'],
  ['fetch with no-cors', 'text/plain;charset=UTF-8', 'no-cors'],
  ['sendBeacon', 'application/x-www-form-urlencoded', 'no-cors'],
  ['fetch with cors, if it were sent', 'application/json', 'cors'],
])('%s of another site starts nothing at any door', async (_, type, mode) => {
  for (const path of DOORS) {
    const target = prompt()
    const headers = { ...CROSS, 'Content-Type': type, 'Sec-Fetch-Mode': mode, Connection: 'close' }
    expect((await sendRaw(service.base, rawPost(path, target.body, headers))).status).toBe(403)
    // An old browser, which says neither; a page of its own that hides where it comes from.
    const { Origin: _origin, 'Sec-Fetch-Site': _site, Referer: _referer, ...bare } = headers
    const hidden = await sendRaw(service.base, rawPost(path, target.body, { ...bare, Origin: 'null' }))
    expect(hidden.status).toBe(403)
    if (type.startsWith('text/') || type.startsWith('multipart/'))
      expect((await sendRaw(service.base, rawPost(path, target.body, bare))).status).toBe(415)
    await expectNothingCame(target)
  }
})

test.each(['attacker.example', 'attacker.example:8787', '127.0.0.1.nip.example', 'localhost.attacker.example'])(
  'DNS rebinding: a page of %s, whose name now leads here, is same-origin for its browser and refused all the same',
  async (name) => {
    for (const path of DOORS) {
      const target = prompt()
      const headers = { Host: name, Origin: `http://${name}`, 'Sec-Fetch-Site': 'same-origin', Connection: 'close' }
      const answer = await sendRaw(service.base, rawPost(path, target.body, headers))
      expect([answer.status, answer.body.toString()]).toEqual([403, expect.stringContaining('forbidden_host')])
      await expectNothingCame(target)
    }
    const get = `GET /v1/conversations/canonical?cwd=/ HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`
    expect((await sendRaw(service.base, get)).status).toBe(403)
    // The name in the first line is not the one that counts.
    const whole = `GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`
    expect((await sendRaw(service.base, whole)).status).toBe(403)
  },
)

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])(
  'a foreign Origin is refused with %s, at every door and beside them, and is told nothing that a page could read',
  async (method) => {
    for (const path of [
      '/healthz',
      ...DOORS,
      '/v1/conversations/canonical?cwd=/',
      '/v1/conversations/x/events',
      '/x',
    ]) {
      const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n`
      const { status, headers } = await sendRaw(service.base, head)
      expect([method, path, status]).toEqual([method, path, 403])
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  },
)

test.each([
  ['an image', 'image', 'no-cors'],
  ['a script', 'script', 'no-cors'],
  ['a frame', 'iframe', 'navigate'],
  ['a link', 'document', 'navigate'],
])('%s of another site, which names no Origin, is refused by its Sec-Fetch-Site', async (_, dest, mode) => {
  const target = prompt()
  const path = `/v1/conversations/canonical?cwd=${encodeURIComponent(target.cwd)}`
  const marks = `Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: ${mode}\r\nSec-Fetch-Dest: ${dest}\r\n`
  const answer = await sendRaw(
    service.base,
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${marks}Connection: close\r\n\r\n`,
  )
  expect(answer.status).toBe(403)
  await expectNothingCame(target)
})

const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n'

test('a WebSocket is never opened: the guard sees it first, and nothing here speaks it', async () => {
  for (const path of ['/healthz', '/v1/agent/stream']) {
    const foreign = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n${WEBSOCKET}\r\n`
    expect((await sendRaw(service.base, foreign)).status).toBe(403)
    const own = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${WEBSOCKET}\r\n`
    const { status, headers } = await sendRaw(service.base, own)
    expect(status).toBe(path === '/healthz' ? 200 : 405)
    expect(headers).toMatchObject({ connection: 'close' })
  }
})
