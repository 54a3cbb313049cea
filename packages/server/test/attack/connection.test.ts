import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { rawPost, sendRaw } from '../support/raw.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** What several requests on one connection can do to each other. */

let service: TestService

beforeAll(async () => {
  service = await startTestService()
})

afterAll(async () => {
  await service[Symbol.asyncDispose]()
  expect(service.complaints).toEqual([])
})

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const LAST = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** All that comes back until the service closes the connection. */
async function talk(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(service.base).port), '127.0.0.1')
  socket.setTimeout(20_000, () => socket.destroy(new Error('the server is silent')))
  socket.write(bytes)
  return (await buffer(socket)).toString('latin1')
}

function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}

test('what comes behind the last request does not take its answer away', async () => {
  const text = await talk(`${LAST}${HEALTH}`)
  expect(statuses(text)).toEqual([200])
})

test('garbage behind a request is answered after it, never before or in the middle', async () => {
  const cwd = service.folder()
  const run = rawPost(
    '/v1/agent/stream',
    JSON.stringify({ conversation_id: 'mixed', cwd, text: '@load n=50 rate=200' }),
  )
  const text = await talk(`${run}\0\x01garbage\r\n\r\n`)
  expect(statuses(text)).toEqual([200])
  expect(text).toContain('"type":"result"')
  expect(text.endsWith('\r\n0\r\n\r\n')).toBe(true)
  const replay = `GET /v1/conversations/mixed/events HTTP/1.1\r\nHost: localhost\r\n\r\n`
  expect(statuses(await talk(`${replay}\0\x01garbage\r\n\r\n`))[0]).toBe(200)
})

test('a request that turns out to be broken when it has its answer gets no second one', async () => {
  // Where nothing is, nobody waits for a body.
  const head = 'GET /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
  expect(statuses(await talk(`${head}zz\r\n`)).length).toBe(1)
  const socket = connect(Number(new URL(service.base).port), '127.0.0.1')
  socket.setTimeout(20_000, () => socket.destroy(new Error('the server is silent')))
  socket.write(head)
  socket.once('data', () => socket.write('zz\r\n'))
  expect(statuses((await buffer(socket)).toString('latin1')).length).toBeLessThanOrEqual(1)
})

test('a request that breaks while it is being looked up who sends it is refused once, and breaks nothing else', async () => {
  for (const start of ['GET /nothing', 'GET /', 'OPTIONS /v1/conversations', 'GET /v1/conversations', 'GET /healthz'])
    for (let times = 0; times < 20; times++) {
      const socket = connect(Number(new URL(service.base).port), '127.0.0.1')
      socket.setTimeout(20_000, () => socket.destroy(new Error('the server is silent')))
      socket.write(`${start} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`)
      for (let turns = 0; turns < times; turns++) await new Promise(setImmediate)
      socket.write('zz\r\n')
      expect(statuses((await buffer(socket)).toString('latin1')).length).toBeLessThanOrEqual(1)
    }
})

test('an expectation behind another request does not get into the body of its own answer', async () => {
  const canonical = `GET /v1/conversations/canonical?cwd=${encodeURIComponent(service.folder())} HTTP/1.1\r\nHost: localhost\r\n`
  await talk(`${canonical}Connection: close\r\n\r\n`)
  const run = { conversation_id: 'expects', cwd: service.folder(), text: 'hello' }
  await sendRaw(service.base, rawPost('/v1/agent/stream', JSON.stringify(run)))
  const events = 'GET /v1/conversations/expects/events HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n'
  const text = await talk(`${canonical}\r\n${events}`)
  expect(statuses(text)).toEqual([200, 200])
  for (const part of text.split('HTTP/1.1 200 OK\r\n').slice(1)) {
    const [head = '', body = ''] = part.split('\r\n\r\n')
    expect(Number(/content-length: (\d+)/i.exec(head)?.[1])).toBe(body.length)
  }
})

test('a request that asks for another protocol is the last one, and its body cannot be waited for in vain', async () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: h2c\r\n'
  expect(statuses(await talk(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n${HEALTH}`))).toEqual([200])
  const chunked = `POST /v1/agent/stream HTTP/1.1\r\nHost: localhost\r\n${upgrade}Transfer-Encoding: chunked\r\n\r\nzz\r\n`
  expect(statuses(await talk(chunked))).toEqual([400])
  const sized = rawPost('/v1/agent/stream', '{}', { Connection: 'Upgrade', Upgrade: 'h2c' })
  expect(statuses(await talk(sized))).toEqual([400])
})

test.each(['%0d%0aX-Injected:%201', '%0D%0ASet-Cookie:x', '%E5%98%8A%E5%98%8DX-Injected:1', 'a%00b', '%1b[31m'])(
  'a name %s in a path or query makes no header',
  async (name) => {
    const targets = [`/v1/conversations/${name}/events`, `/v1/conversations/canonical?cwd=/${name}`, `/${name}`]
    for (const target of targets) {
      const { status, headers } = await sendRaw(
        service.base,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      )
      expect(status).toBeOneOf([400, 404])
      expect(Object.keys(headers)).not.toContain('x-injected')
      expect(Object.keys(headers)).not.toContain('set-cookie')
    }
  },
)

test('a request that is refused because its body is broken changes nothing, also where no body is asked for', async () => {
  const cwd = service.folder('broken')
  const head = `GET /v1/conversations/canonical?cwd=${encodeURIComponent(cwd)} HTTP/1.1\r\nHost: localhost\r\n`
  const body = '5\r\nabcde\r\n0\r\nX-Trailer: 1\r\nContent-Length: 5\r\n\r\n'
  expect(statuses(await talk(`${head}Transfer-Encoding: chunked\r\n\r\n${body}`))).toEqual([400])
  const listed = await sendRaw(service.base, LAST.replace('/healthz', '/v1/conversations'))
  expect(listed.body.toString()).not.toContain(cwd)
})

test('an answer that is on its way arrives whole, whatever is sent behind the request', async () => {
  const whole = (await call(`${service.base}/openapi.json`)).text
  for (let n = 0; n < 50; n++) {
    const socket = connect(Number(new URL(service.base).port), '127.0.0.1')
    let got = ''
    socket.on('data', (part: Buffer) => (got += part.toString('latin1')))
    socket.on('error', () => {})
    socket.write(`GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n${'\0junk'.repeat(50_000)}`)
    for (let more = 0; more < 10 && !socket.destroyed; more++) {
      await pause(1)
      socket.write('\0 no HTTP\r\n'.repeat(400))
    }
    if (!socket.closed) await once(socket, 'close')
    expect(got.split('\r\n\r\n').slice(1).join('\r\n\r\n').startsWith(whole)).toBe(true)
  }
})
