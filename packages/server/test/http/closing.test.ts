import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectSecurely } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCertificate } from '../support/certificate.ts'
import { call } from '../support/client.ts'
import { metrics } from '../support/metrics.ts'
import { rawPost } from '../support/raw.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** What becomes of a connection after an answer that is the last on it. */

/** What Linux keeps for a TCP client that does not read is less, and what it keeps for one that writes, too. */
const LARGE_BYTES = 300_000
const BODY_BYTES = 8_000_000
/** A Unix socket keeps less. */
const SMALL_BYTES = 60_000

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
/** Answered with 415 as soon as its head is there, and the last on its connection. */
const unwanted = (length: number) =>
  rawPost('/v1/agent/stream', '', { 'Content-Type': 'text/plain', 'Content-Length': String(length) })

let plain: TestService
let secure: TestService
let open: Record<'TCP' | 'TLS' | 'a Unix socket', () => Socket>

beforeAll(async () => {
  plain = await startTestService()
  const { cert, key } = newCertificate(plain.folder('tls'))
  const path = join(plain.dataDir, 's')
  secure = await startTestService({ config: { tlsCert: cert, tlsKey: key, socket: path } })
  const portOf = (service: TestService) => Number(new URL(service.base).port)
  open = {
    TCP: () => connect(portOf(plain), '127.0.0.1'),
    TLS: () => connectSecurely({ port: portOf(secure), host: '127.0.0.1', ca: readFileSync(cert) }),
    'a Unix socket': () => connect(path),
  }
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
  await plain[Symbol.asyncDispose]()
  expect([...plain.complaints, ...secure.complaints]).toEqual([])
})

/** All that comes until the connection ends; rejects when it is broken instead. */
async function readAll(socket: Socket): Promise<string> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part)).resume()
  await once(socket, 'close')
  return Buffer.concat(parts).toString('latin1')
}

/** What one request is answered with. */
function ask(socket: Socket, path: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  return readAll(socket)
}

const bodyOf = (answers: string, n: number) => answers.split(/HTTP\/1\.1 \d{3} /)[n]?.split('\r\n\r\n')[1]

/** A conversation whose replay has about so many bytes. */
async function converse(socket: Socket, cwd: string, id: string, bytes: number): Promise<void> {
  const text = `@load n=${Math.ceil(bytes / 1000)} rate=0 size=900`
  socket.write(rawPost('/v1/agent/stream', JSON.stringify({ conversation_id: id, cwd, text })))
  await readAll(socket)
}

describe.each(['TCP', 'TLS', 'a Unix socket'] as const)('over %s', (way) => {
  test('a client that writes much and reads late gets the last answer, and all of the one before it', async () => {
    const bytes = way === 'a Unix socket' ? SMALL_BYTES : LARGE_BYTES
    await converse(open[way](), plain.folder(), `long ${way}`.replaceAll(' ', '-'), bytes)
    const replay = `/v1/conversations/${`long ${way}`.replaceAll(' ', '-')}/events`
    const whole = bodyOf(await ask(open[way](), replay), 1)
    expect(whole?.length).toBeGreaterThan(bytes / 2)

    const socket = open[way]()
    socket.write(get(replay) + unwanted(BODY_BYTES))
    // Told when the kernel has it: more than it keeps for a service that does not read.
    await new Promise((resolve) => socket.write(Buffer.alloc(BODY_BYTES), resolve))
    const answers = await readAll(socket)
    // Not the texts themselves: they would fill the screen.
    expect(bodyOf(answers, 1)?.length).toBe(whole?.length)
    expect(bodyOf(answers, 1) === whole).toBe(true)
    expect(JSON.parse(bodyOf(answers, 2) ?? '')).toMatchObject({ error: 'unsupported_media_type' })
  })

  test('what comes behind the last answer is never a request', async () => {
    const cwd = plain.folder(`behind ${way}`)
    const canonical = get(`/v1/conversations/canonical?cwd=${encodeURIComponent(cwd)}`)
    const socket = open[way]()
    socket.write(unwanted(1000))
    await once(socket, 'data')
    socket.write('x'.repeat(1000) + canonical.repeat(3))
    await readAll(socket)
    expect(await ask(open[way](), '/v1/conversations')).not.toContain(cwd)
  })

  test('what is sent on the connection of a stream is never a request', async () => {
    const [cwd, other] = [plain.folder(`stream ${way}`), plain.folder(`beside ${way}`)]
    const socket = open[way]()
    const text = '@load n=20 rate=20'
    socket.write(rawPost('/v1/agent/stream', JSON.stringify({ conversation_id: `s-${cwd.length}`, cwd, text })))
    await once(socket, 'data')
    socket.write(get(`/v1/conversations/canonical?cwd=${encodeURIComponent(other)}`))
    expect((await readAll(socket)).includes('"type":"result"')).toBe(true)
    expect(await ask(open[way](), '/v1/conversations')).not.toContain(other)
  })
})

test('requests without end on the connection of a stream are not kept, and end it', async () => {
  await converse(open.TCP(), plain.folder(), 'flooded', 1)
  const socket = open.TCP()
  // What breaks it is told to whoever writes.
  socket.on('error', () => {})
  socket.write(get('/v1/conversations/flooded/stream'))
  await once(socket, 'data')
  const many = get('/healthz').repeat(5000)
  while (!socket.destroyed) await new Promise((resolve) => socket.resume().write(many, resolve))
})

test('a stream goes on when something was sent behind it, and hears its client go', async () => {
  await converse(open.TCP(), plain.folder(), 'left', 1)
  const socket = open.TCP()
  socket.write(get('/v1/conversations/left/stream') + get('/healthz'))
  const subscribers = async () => (await metrics(plain.base)).get('claude_proxy_subscribers')
  await expect.poll(subscribers).toBe(1)
  socket.write(get('/healthz').repeat(3))
  await call(`${plain.base}/healthz`)
  expect(await subscribers()).toBe(1)
  socket.end()
  await expect.poll(subscribers).toBe(0)
})
