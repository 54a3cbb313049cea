import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
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

/** Nothing that would become small. */
const page = (n: number): Page => ({
  first: n,
  count: 1,
  lines: Buffer.from(`${randomBytes(200_000).toString('hex')}\n`),
})

interface Ending {
  readonly fail?: Error
  /** The last page. */
  readonly last?: number
}

/** A replay of pages, as a rule without end. */
async function open(headers: Record<string, string>, { fail, last = Infinity }: Ending = {}) {
  const lines: Uint8Array[] = []
  const over = Promise.withResolvers<'sent' | Error>()
  const closed = Promise.withResolvers<void>()
  async function* pages() {
    try {
      for (let n = 1; n <= last; n++) {
        if (fail && n > 3) throw fail
        const next = page(n)
        // A copy: large pages are given back when they are sent.
        lines.push(Buffer.from(next.lines))
        yield next
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
  return { response, over: over.promise, pagesClosed: closed.promise, lines }
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
  'a client that takes nothing for a while (%j) gets everything later, and until then little is made for it',
  async (headers) => {
    const { response, over, lines } = await open(headers, { last: 60 })
    const before = await settled(() => lines.length)
    expect(before).toBeLessThan(60)
    const body = 'accept-encoding' in headers ? response.pipe(createGunzip()) : response
    const got = await buffer(body)
    expect(await over).toBe('sent')
    expect(got.equals(Buffer.concat(lines))).toBe(true)
  },
)

test.each([{}, { 'accept-encoding': 'gzip' }])(
  'a client that leaves while it takes nothing (%j) ends the replay all the same',
  async (headers) => {
    const { response, over, pagesClosed, lines } = await open(headers)
    await settled(() => lines.length)
    response.destroy()
    await pagesClosed
    expect(await over).toBe('sent')
  },
)

/** Resolves with a number that does not grow any more. */
async function settled(count: () => number): Promise<number> {
  let before = -1
  await expect
    .poll(
      () => {
        const now = count()
        const isSettled = now > 0 && now === before
        before = now
        return isSettled
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true)
  return before
}

test.each([{}, { 'accept-encoding': 'gzip' }])(
  'a history that cannot be read to its end (%j) fails with what has happened',
  async (headers) => {
    const failure = new Error('The disk is gone.')
    const { response, over } = await open(headers, { fail: failure })
    response.resume()
    expect(await over).toBe(failure)
    response.destroy()
  },
)
