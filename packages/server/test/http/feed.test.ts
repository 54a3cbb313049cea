import { afterEach, expect, test, vi } from 'vitest'
import { readFeedPlace, writeFeedPlace } from '@claude-proxy/protocol/feed'
import { call, replay, stream } from '../support/client.ts'
import { byConversation, createFeedReader, type FeedReader } from '../support/feed.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { type At, post } from './calls.ts'
import { expectError } from './expectations.ts'

/** Many conversations on one stream, and their history page by page. */

const PATIENCE = { timeout: 30_000, interval: 20 }

afterEach(() => {
  vi.useRealTimers()
})

/** Runs a prompt to its end, in a conversation of its own folder. */
async function run(service: TestService, conversation_id: string, text: string): Promise<void> {
  const running = await stream(service.base, { conversation_id, cwd: service.folder(conversation_id), text })
  await running.ended
}

/** Reads until it has so many events. */
function readUntil(service: At, reader: FeedReader, count: number): Promise<void> {
  return reader.read(service.base, () => reader.seen.length >= count)
}

async function lengths(service: At, ids: readonly string[]): Promise<number> {
  const all = await Promise.all(ids.map((id) => replay(service.base, id)))
  return all.reduce((sum, { length }) => sum + length, 0)
}

const numbersOf = (reader: FeedReader) =>
  Object.fromEntries(
    [...byConversation(reader.seen)].map(([id, events]) => [id, events.map(({ number }) => number)] as const),
  )

const snapshotOf = async (service: At, query: string, lastId = '') => {
  const reader = createFeedReader(query, lastId)
  await reader.read(service.base, () => reader.named.length > 0)
  expect(reader.named[0]?.name).toBe('snapshot')
  return {
    ...(JSON.parse(reader.named[0]?.data ?? '') as Record<string, unknown>),
    reset: /x-proxy-reset: (\w+)/i.exec(reader.head)?.[1],
  }
}

interface Page {
  events: { cursor: string; conversation_id: string; number: number; event: { type: string } }[]
  cursor: string
  has_more: boolean
  reset: boolean
}

async function history(service: At, query: string): Promise<Page> {
  const answer = await call(`${service.base}/v1/history${query}`)
  expect(answer.status).toBe(200)
  return answer.json as unknown as Page
}

test('one stream tells of all conversations, also of those that begin later, byte for byte as their own streams do', async () => {
  await using service = await startTestService()
  await run(service, 'first', 'Grüße 🌍')
  const each = await lengths(service, ['first'])
  const reader = createFeedReader()
  const reading = readUntil(service, reader, 3 * each)
  await expect.poll(() => reader.seen.length, PATIENCE).toBe(each)
  for (const id of ['second', 'third']) await run(service, id, 'Hello')
  await reading
  for (const id of ['first', 'second', 'third']) {
    const own = (await replay(service.base, id)).map(({ id: number, data: line }) => ({
      conversation: id,
      number,
      line,
    }))
    expect(byConversation(reader.seen).get(id)).toEqual(own)
  }
  expect(reader.text).toMatch(/^retry: \d+\n\n(?:id: [\w-]+\ndata: \{[ -~]+\}\n\n)+$/)
  expect(reader.head).toMatch(/content-type: text\/event-stream; charset=utf-8/i)
})

test('only the conversations and types that were asked for come, also live', async () => {
  await using service = await startTestService()
  for (const id of ['a', 'b', 'c']) await run(service, id, 'Hello')
  const two = createFeedReader('?conversations=a,c')
  const results = createFeedReader('?conversations=all&types=result,none')
  const reading = [readUntil(service, two, (await lengths(service, ['a', 'c'])) * 2), readUntil(service, results, 6)]
  await expect.poll(() => results.seen.length, PATIENCE).toBe(3)
  for (const id of ['c', 'b', 'a']) await run(service, id, 'Hello')
  await Promise.all(reading)
  expect(Object.keys(numbersOf(two)).toSorted()).toEqual(['a', 'c'])
  expect(results.seen.map(({ conversation }) => conversation)).toEqual(['a', 'b', 'c', 'c', 'b', 'a'])
  for (const { line } of results.seen) expect(line).toMatch(/^\{"type":"result"/)
})

test('a reader comes back with its last id, which counts more than the address, also after a restart', async () => {
  await using service = await startTestService()
  await run(service, 'a', '@load n=30 rate=0 size=200')
  await run(service, 'b', '@load n=30 rate=0 size=200')
  const all = createFeedReader()
  const total = await lengths(service, ['a', 'b'])
  await readUntil(service, all, total)
  const ids = [...all.text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id)
  expect(new Set(ids).size).toBe(total)
  await service.restart()
  for (const n of [0, 1, 31, 40, total - 2]) {
    for (const reader of [createFeedReader(`?since=${ids[n]}`), createFeedReader(`?since=${ids[3]}`, ids[n])]) {
      await readUntil(service, reader, total - n - 1)
      expect(reader.seen).toEqual(all.seen.slice(n + 1))
    }
  }
  const live = createFeedReader('?since=head')
  const reading = readUntil(service, live, 1)
  await expect.poll(() => live.text, PATIENCE).toContain('retry')
  await run(service, 'c', 'New')
  await reading
  expect(live.seen[0]).toMatchObject({ conversation: 'c', number: 1 })
})

test('a stream that is asked to opens with what the cursor is worth, and with those who do something', async () => {
  await using service = await startTestService()
  await run(service, 'idle', 'Hello')
  const { cursor } = await history(service, '')
  const half = (await history(service, '?limit=2')).cursor
  for (const [id, text] of [
    ['asks', '@ask'],
    ['works', '@hang'],
  ]) {
    const running = await stream(service.base, { conversation_id: id, cwd: service.folder(id), text })
    await running.until(({ event }) => (id === 'asks' ? event.type === 'tool_permission' : event.type === 'system'))
    running.cut()
  }
  expect(await snapshotOf(service, `?snapshot=true&since=${cursor}`)).toMatchObject({
    verdict: 'resumed',
    running: 1,
    waiting: 1,
    conversations: [
      { conversation_id: 'asks', state: 'waiting' },
      { conversation_id: 'works', state: 'running' },
    ],
    reset: undefined,
  })
  expect(await snapshotOf(service, `?snapshot=true&since=${cursor}&conversations=idle`)).toMatchObject({
    verdict: 'live',
    running: 0,
    waiting: 0,
    conversations: [],
  })
  expect(await snapshotOf(service, `?snapshot=true&conversations=idle`, half)).toMatchObject({ verdict: 'resumed' })
  expect(await snapshotOf(service, '?snapshot=true&since=head')).toMatchObject({ verdict: 'live' })
  expect(await snapshotOf(service, '?snapshot=true')).toMatchObject({ verdict: 'resumed' })
  const ours = readFeedPlace(cursor)
  if (!ours) throw new Error('the cursor cannot be read')
  for (const foreign of [
    { ...ours, life: '0123456789' },
    { ...ours, commit: ours.commit + 1000 },
  ]) {
    expect(await snapshotOf(service, '?snapshot=true', writeFeedPlace(foreign))).toMatchObject({
      verdict: 'reset',
      reset: 'true',
    })
    expect(await history(service, `?since=${writeFeedPlace(foreign)}&limit=1`)).toMatchObject({
      reset: true,
      events: [{ conversation_id: 'idle', number: 1 }],
    })
  }
})

test('history comes page by page, and its cursors are those of the stream', async () => {
  await using service = await startTestService()
  for (const id of ['a', 'b']) await run(service, id, '@load n=120 rate=0 size=300')
  const total = await lengths(service, ['a', 'b'])
  const all = createFeedReader()
  await readUntil(service, all, total)
  const read: [string, number][] = []
  for (
    let page = await history(service, '?limit=50');
    ;
    page = await history(service, `?limit=50&since=${page.cursor}`)
  ) {
    read.push(...page.events.map((each): [string, number] => [each.conversation_id, each.number]))
    expect(page.events.length).toBe(page.has_more ? 50 : total % 50)
    if (!page.has_more) break
  }
  expect(read).toEqual(all.seen.map(({ conversation, number }) => [conversation, number]))
  const types = await history(service, '?types=result&limit=999')
  expect(types.events.map(({ event, conversation_id }) => [conversation_id, event.type])).toEqual([
    ['a', 'result'],
    ['b', 'result'],
  ])
  const [first] = (await history(service, '?conversations=b&limit=1')).events
  const rest = createFeedReader('?conversations=b', first?.cursor)
  await readUntil(service, rest, total / 2 - 1)
  expect(rest.seen[0]?.number).toBe(2)
  expect(await history(service, `?since=${all.lastId}`)).toMatchObject({ events: [], has_more: false, reset: false })
})

test('a page of history is bounded in bytes, but never without an event', async () => {
  await using service = await startTestService()
  await run(service, 'large', '@load n=8 rate=0 size=700000')
  const { events, has_more } = await history(service, '')
  expect(has_more).toBe(true)
  expect(events.length).toBeLessThan(6)
  expect((await history(service, '?types=assistant')).events.length).toBe(1)
})

test('a silent stream says where it is, so that a reader who wants little does not pass over the same again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  await using service = await startTestService()
  await run(service, 'a', 'Hello')
  const reader = createFeedReader('?types=none')
  const reading = reader.read(service.base, () => reader.lastId !== '')
  await expect.poll(() => reader.text, PATIENCE).toContain('retry')
  await run(service, 'b', '@load n=200 rate=0 size=200')
  vi.advanceTimersByTime(15_000)
  await reading
  expect(reader.text).toMatch(/: ping\nid: [\w-]+\n\n$/)
  expect(reader.seen).toEqual([])
  const head = (await history(service, '?limit=999')).cursor
  await expect
    .poll(async () => {
      const again = createFeedReader('?types=none', reader.lastId)
      const coming = again.read(service.base, () => again.text.includes('ping'))
      await expect.poll(() => again.text, PATIENCE).toContain('retry')
      vi.advanceTimersByTime(15_000)
      await coming
      return again.lastId
    }, PATIENCE)
    .toBe(head)
})

test('it ends after the time it was asked to, and a stop tells its readers to come back, not all at once', async () => {
  await using service = await startTestService()
  const short = createFeedReader('?close_after=1')
  await short.read(service.base)
  expect(short.text).toMatch(/^retry: \d+\n\n$/)
  const readers = Array.from({ length: 8 }, () => createFeedReader())
  const reading = readers.map((reader) => reader.read(service.base))
  await expect.poll(() => readers.every(({ text }) => text.includes('retry')), PATIENCE).toBe(true)
  await service.restart()
  await Promise.all(reading)
  const retries = readers.map(({ text }) => [...text.matchAll(/^retry: (\d+)$/gm)].map(([, ms]) => Number(ms)).at(-1))
  expect(new Set(retries).size).toBeGreaterThan(3)
})

test('a deleted conversation is in no feed; a stream that names it ends, and coming back says which it was', async () => {
  await using service = await startTestService()
  for (const id of ['kept', 'gone']) await run(service, id, 'Hello')
  const all = createFeedReader()
  const reading = readUntil(service, all, (await lengths(service, ['kept', 'gone'])) * 2)
  const naming = createFeedReader('?conversations=kept,gone')
  const ending = naming.read(service.base)
  await expect.poll(() => naming.seen.length, PATIENCE).toBe(await lengths(service, ['kept', 'gone']))
  const removed = await call(`${service.base}/v1/conversations/gone`, { method: 'DELETE' })
  expect(removed.status).toBe(200)
  await ending
  const back = await call(`${service.base}/v1/stream?conversations=kept,gone`)
  expectError(back, 404, 'conversation_unknown')
  expect(back.json).toMatchObject({ conversation_id: 'gone' })
  for (const id of ['kept', 'next']) await run(service, id, 'Hello')
  await reading
  expect(Object.keys(numbersOf(all)).toSorted()).toEqual(['gone', 'kept', 'next'])
  const later = createFeedReader()
  await readUntil(service, later, await lengths(service, ['kept', 'next']))
  expect(Object.keys(numbersOf(later)).toSorted()).toEqual(['kept', 'next'])
})

test('who asks for the headers of a stream alone gets them, and its end', async () => {
  await using service = await startTestService()
  await run(service, 'a', 'Hello')
  for (const path of ['/v1/stream', '/v1/stream?snapshot=true', '/v1/conversations/a/stream']) {
    const answer = await call(`${service.base}${path}`, { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(answer.headers['content-type']).toMatch(/^text\/event-stream/)
    expect(answer.headers['x-proxy-last-event-id']).toBeDefined()
  }
})

test('what does not fit is refused', async () => {
  await using service = await startTestService()
  await run(service, 'a', 'Hello')
  const get = (path: string, headers = {}) => call(`${service.base}${path}`, { headers })
  for (const door of ['/v1/stream', '/v1/history']) {
    for (const query of [
      '?since=5',
      '?since=nonsense',
      `?since=${'x'.repeat(1000)}`,
      '?types=a,,b',
      '?types=',
      '?types=a%0Ab',
      '?conversations=',
      '?conversations=a,',
      '?conversations=../x',
      `?conversations=${Array.from({ length: 501 }, (_, n) => `c${n}`).join(',')}`,
    ])
      expectError(await get(`${door}${query}`), 400, 'bad_request')
    expectError(await get(`${door}?conversations=a,nobody`), 404, 'conversation_unknown')
  }
  expectError(await get('/v1/history?limit=0'), 400, 'bad_request')
  expectError(await get('/v1/history?since=head'), 400, 'bad_request')
  expectError(await get('/v1/stream?close_after=0'), 400, 'bad_request')
  for (const id of ['5', 'a b', 'ÿÿ', Buffer.from('0123456789 00 0').toString('base64url')])
    expectError(await get('/v1/stream', { 'last-event-id': id }), 400, 'bad_request')
  expectError(await post(service, '/v1/stream', {}), 405, 'method_not_allowed')
})
