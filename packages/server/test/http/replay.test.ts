import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Page } from '../../src/core/ports/event.ts'
import { sendNdjson } from '../../src/http/ndjson.ts'
import { replay, streamAll } from '../support/client.ts'
import { sendRaw } from '../support/raw.ts'
import { startTestService } from '../support/service.ts'

/** Long replays, and those that do not come to their end. */

test('a client of HTTP/1.0, which knows no chunks, gets a long history whole', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'long', cwd: service.folder(), text: '@load n=40 rate=0 size=50000' }
  await streamAll(service.base, body)
  const answer = await sendRaw(service.base, 'GET /v1/conversations/long/history HTTP/1.0\r\nHost: localhost\r\n\r\n')
  expect(answer.headers['transfer-encoding']).toBeUndefined()
  const lines = answer.body.toString().split('\n').slice(0, -1)
  expect(lines.length).toBeGreaterThan(40)
  // Megabytes: where they differ is enough.
  const truth = await replay(service.base, 'long')
  expect(truth.findIndex(({ data }, n) => data !== lines[n])).toBe(-1)
  expect(lines).toHaveLength(truth.length)
})

const page = (n: number): Page => ({ first: n, count: 1, lines: Buffer.from(`"${'x'.repeat(300_000)}"\n`) })

/** A replay of pages without end, which `fail` may end with an error. */
async function open(headers: Record<string, string>, fail?: Error) {
  const over = Promise.withResolvers<'sent' | Error>()
  const closed = Promise.withResolvers<void>()
  async function* pages() {
    try {
      for (let n = 1; ; n++) {
        if (fail && n > 3) throw fail
        yield page(n)
      }
    } finally {
      closed.resolve()
    }
  }
  const server = createServer((_: IncomingMessage, out: ServerResponse) => {
    const gone = new AbortController()
    out.once('close', () => gone.abort())
    sendNdjson(out, pages(), Infinity, gone.signal).then(
      () => over.resolve('sent'),
      (error: Error) => over.resolve(error),
    )
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const sent = get({ port: (server.address() as AddressInfo).port, headers, agent: false })
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  return { response, over: over.promise, pagesClosed: closed.promise }
}

test.each([{}, { 'accept-encoding': 'gzip' }])(
  'a client that leaves in the middle of a replay (%j) ends it, and nobody calls that a failure',
  async (headers) => {
    const { response, over, pagesClosed } = await open(headers)
    await once(response, 'data')
    response.destroy()
    await pagesClosed
    expect(await over).toBe('sent')
  },
)

test.each([{}, { 'accept-encoding': 'gzip' }])(
  'a history that cannot be read to its end (%j) fails with what has happened',
  async (headers) => {
    const failure = new Error('The disk is gone.')
    const { response, over } = await open(headers, failure)
    response.resume()
    expect(await over).toBe(failure)
    response.destroy()
  },
)
