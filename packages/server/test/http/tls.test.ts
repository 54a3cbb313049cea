import { once } from 'node:events'
import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { followCertificate } from '../../src/http/certificate.ts'
import { newCertificate } from '../support/certificate.ts'
import { startTestService, type TestService } from '../support/service.ts'

describe('over TLS', () => {
  let service: TestService
  let certificates: TestService
  let files: { cert: string; key: string }

  beforeAll(async () => {
    certificates = await startTestService()
    files = newCertificate(certificates.folder('tls'))
    service = await startTestService({ config: { tlsCert: files.cert, tlsKey: files.key } })
  })
  afterAll(async () => {
    await service[Symbol.asyncDispose]()
    await certificates[Symbol.asyncDispose]()
  })

  async function open(path: string, body?: object, headers = {}): Promise<IncomingMessage> {
    const agent = new Agent({ ca: readFileSync(files.cert), keepAlive: false })
    const sent = request(`${service.base}${path}`, {
      method: body ? 'POST' : 'GET',
      agent,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    })
    sent.end(body && JSON.stringify(body))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }

  const read = async (path: string, body?: object) => text(await open(path, body))
  const idsOf = (sse: string) => [...sse.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))

  test('a stream that is cut goes on where it was, and the replay is the same, byte for byte', async () => {
    const cwd = service.folder()
    const body = { conversation_id: 'long', cwd, text: '@load n=5000 rate=0 size=600' }
    const whole = await read('/v1/agent/stream', body)
    const frames = whole.split('\n\n').filter((frame) => frame.startsWith('id: '))
    expect(frames.length).toBeGreaterThan(5000)
    const replayed = await read('/v1/conversations/long/history?since=0')
    expect(replayed.split('\n').slice(0, -1)).toEqual(frames.map((frame) => frame.replace(/^id: \d+\ndata: /, '')))

    const cut = await open('/v1/conversations/long/stream')
    const [first] = (await once(cut, 'data')) as [Buffer]
    cut.destroy()
    const seen = idsOf(`${first.toString()}\n`).slice(0, -1).at(-1) ?? 0
    const rest = await open('/v1/conversations/long/stream?close_after=1', undefined, { 'last-event-id': String(seen) })
    expect(idsOf(await text(rest))[0]).toBe(seen + 1)
  })

  test('an older protocol than TLS 1.2 is refused, and what is no TLS gets no answer that could be taken for one', async () => {
    const { port } = new URL(service.base)
    const old = connect({
      port: Number(port),
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1.1',
      rejectUnauthorized: false,
    })
    await expect(once(old, 'secureConnect')).rejects.toThrow()
    await expect(fetch(service.base.replace('https', 'http'))).rejects.toThrow()
    expect(JSON.parse(await read('/healthz'))).toMatchObject({ status: 'ok' })
  })

  test('a renewed certificate is taken without a restart, and one that is no good is not', async () => {
    const held = await open('/v1/conversations/long/stream')
    const before = await fingerprint(service.base)
    writeFileSync(files.cert, 'no certificate')
    await expect.poll(() => service.complaints.join(), { timeout: 15_000 }).toContain('cannot be used')
    expect(await fingerprint(service.base)).toBe(before)
    newCertificate(certificates.folder('tls'))
    await expect.poll(() => fingerprint(service.base), { timeout: 15_000 }).not.toBe(before)
    expect(held.destroyed).toBe(false)
    held.destroy()
  }, 40_000)

  test('a certificate that has not changed is not read again, and one that has is read once', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const own = newCertificate(certificates.folder('own'))
    const told: string[] = []
    const log = { info: (message: string) => void told.push(message), warn() {}, error() {} }
    using _ = followCertificate(createServer(), own, log)
    vi.advanceTimersByTime(3_600_000)
    expect(told).toEqual([])
    newCertificate(certificates.folder('own'))
    vi.advanceTimersByTime(3_600_000)
    expect(told).toEqual(['the certificate was read again'])
  })

  test('a certificate that cannot be reached for a while stops nothing, and is taken when it is back', async () => {
    const before = await fingerprint(service.base)
    const complaints = service.complaints.length
    rmSync(files.cert)
    symlinkSync(files.cert, files.cert)
    await expect.poll(() => service.complaints.slice(complaints).join(), { timeout: 15_000 }).toContain('ELOOP')
    expect(await fingerprint(service.base)).toBe(before)
    rmSync(files.cert)
    newCertificate(certificates.folder('tls'))
    await expect.poll(() => fingerprint(service.base), { timeout: 15_000 }).not.toBe(before)
  }, 40_000)

  test('a key that others can read, half a pair and what is no certificate are refused at the start', async () => {
    const other = newCertificate(certificates.folder('other'))
    const start = (config: object) => startTestService({ config })
    await expect(start({ tlsCert: other.cert })).rejects.toThrow(/needs both/)
    await expect(start({ tlsCert: other.key, tlsKey: other.key })).rejects.toThrow(/no certificate and its key/)
    await expect(start({ tlsCert: files.cert, tlsKey: other.key })).rejects.toThrow(/no certificate and its key/)
    await expect(start({ tlsCert: other.cert, tlsKey: '/not/there' })).rejects.toThrow(/cannot be read/)
    chmodSync(other.key, 0o644)
    await expect(start({ tlsCert: other.cert, tlsKey: other.key })).rejects.toThrow(/chmod o=/)
  })
})

async function fingerprint(base: string): Promise<string> {
  const socket = connect({ port: Number(new URL(base).port), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256: print } = socket.getPeerCertificate()
  socket.destroy()
  return print
}
