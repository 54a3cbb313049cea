import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { streamAll } from '../support/client.ts'
import { rawPost, sendRaw } from '../support/raw.ts'
import { startTestService } from '../support/service.ts'

const PATH = '/v1/conversations/long/events?since=0'

function rawGet(coding: string, method = 'GET'): string {
  return `${method} ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: ${coding}\r\n\r\n`
}

const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }

test.each([
  ['gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['gzip;q=0.5, br;q=0.1, deflate', 'gzip'],
  ['gzip;q=0, br', 'br'],
] as const)('a replay for a client that takes %s comes as %s, and is the same', async (asked, coding) => {
  await using service = await startTestService()
  const body = { conversation_id: 'long', cwd: service.folder(), text: '@load n=3000 rate=0 size=400' }
  const received = await streamAll(service.base, body)
  const answer = await sendRaw(service.base, rawGet(asked))
  expect(answer.headers).toMatchObject({ 'content-encoding': coding, vary: 'accept-encoding' })
  expect(answer.headers['content-length']).toBeUndefined()
  expect(decoders[coding](answer.body).toString()).toBe(received.map(({ data }) => `${data}\n`).join(''))
  expect(answer.body.length).toBeLessThan(received.reduce((sum, { data }) => sum + data.length, 0) / 5)
  const head = await sendRaw(service.base, rawGet(asked, 'HEAD'))
  expect([head.status, head.body.length]).toEqual([200, 0])
  expect(service.complaints).toEqual([])
})

test.each(['identity', 'gzip;q=0', 'deflate', 'identity, gzip;q=0.1', ''])(
  'a replay for a client that sends "Accept-Encoding: %s" is plain',
  async (asked) => {
    await using service = await startTestService()
    await streamAll(service.base, { conversation_id: 'long', cwd: service.folder(), text: 'Hello' })
    const answer = await sendRaw(service.base, rawGet(asked))
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.headers['content-length']).toBe(String(answer.body.length))
  },
)

test('a live stream is never compressed: each event has to be there at once', async () => {
  await using service = await startTestService()
  const body = JSON.stringify({ conversation_id: 'live', cwd: service.folder(), text: 'Hello' })
  const answer = await sendRaw(
    service.base,
    rawPost('/v1/agent/stream', body, { 'Accept-Encoding': 'gzip, br, zstd', Connection: 'close' }),
  )
  expect(answer.headers['content-encoding']).toBeUndefined()
  expect(answer.body.toString()).toMatch(/^id: 1\ndata: /)
})

test('a client that goes away in the middle of a compressed replay breaks nothing', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'long', cwd: service.folder(), text: '@load n=20000 rate=0 size=400' }
  await streamAll(service.base, body)
  const gone = new AbortController()
  const response = await fetch(service.base + PATH, { headers: { 'accept-encoding': 'gzip' }, signal: gone.signal })
  await response.body?.getReader().read()
  gone.abort()
  const answer = await sendRaw(service.base, rawGet('zstd'))
  expect(zstdDecompressSync(answer.body).toString().match(/\n/g)).toHaveLength(20_003)
  expect(service.complaints).toEqual([])
})
