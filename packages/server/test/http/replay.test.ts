import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { storeWithin } from '../../src/core/access/within.ts'
import { storedPages } from '../../src/core/log/pages.ts'
import type { Page } from '../../src/core/ports/event.ts'
import { sendNdjson } from '../../src/http/ndjson.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { call, replay, streamAll } from '../support/client.ts'
import { sendRaw } from '../support/raw.ts'
import { startTestService } from '../support/service.ts'
import { newToken } from '../support/tokens.ts'

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

test('a replay breaks off when its conversation is deleted amid it, for every token alike', async () => {
  await using service = await startTestService()
  for (const wanted of [{}, { roots: [service.folder('mine')] }]) {
    const { headers } = await newToken(service, wanted)
    const id = `deleted-${Object.keys(wanted).length}`
    await streamAll(service.base, { conversation_id: id, cwd: service.folder('mine'), text: LARGE })
    const sent = get(`${service.base}/v1/conversations/${id}/history`, { headers })
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    // More than sockets hold: the end of it has not been read from the store yet.
    await once(response, 'readable')
    const deleted = await call(`${service.base}/v1/conversations/${id}`, { method: 'DELETE', headers })
    expect(deleted.status).toBe(200)
    await expect(buffer(response)).rejects.toThrow('aborted')
  }
  expect(service.complaints).toEqual([])
})

test('a replay that has not begun when its conversation is deleted is answered as one that nobody knows', async () => {
  const store = createMemoryStore()
  const given = { id: 'c' as ConversationId, folder: '/mine' as Folder, cwd: '/mine', title: undefined, at: 1 }
  await store.createConversation(given)
  await store.deleteConversation(given.id)
  for (const seen of [store, storeWithin(store, ['/mine']), storeWithin(store, ['/elsewhere'])])
    await expect(storedPages(seen, given.id, 0, 5).next()).rejects.toMatchObject({ code: 'conversation_unknown' })
})

const LARGE = '@load n=20000 rate=0 size=1500'
