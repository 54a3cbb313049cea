import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient, type FollowItem, type FollowOptions, type StreamState } from '../src/index.ts'
import { breaks, createFetch, events, hangs, refuses, streams } from './lines.ts'

/** What a stream does as time goes by. The clock is ours. */

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function follow(service: ReturnType<typeof createFetch>, options: FollowOptions = {}) {
  const states: StreamState[] = []
  const wakes = new Set<() => void>()
  const client = createClient({
    baseUrl: 'http://service',
    fetch: service.fetch,
    onWake: (wake) => {
      wakes.add(wake)
      return () => wakes.delete(wake)
    },
  })
  const stop = new AbortController()
  const onState = (state: StreamState) => states.push(state)
  const items: FollowItem[] = []
  const reading = (async () => {
    for await (const item of client.follow('c', { ...options, signal: stop.signal, onState })) items.push(item)
  })()
  reading.catch(() => {})
  return {
    items,
    states,
    reading,
    wakes,
    stop: () => stop.abort(),
    ids: () => items.flatMap((item) => (item.kind === 'event' ? [item.id] : [])),
    wake: () => wakes.forEach((wake) => wake()),
  }
}

const waits = (states: readonly StreamState[]) =>
  states.flatMap((each) => (each.state === 'waiting' ? [each.retryInMs] : []))
const lastEventIds = ({ requests }: ReturnType<typeof createFetch>) =>
  requests.map(({ init }) => new Headers(init.headers).get('last-event-id'))

test('it waits twice as long each time, at most half a minute, and begins again when it has been live', async () => {
  const service = createFetch(...Array.from({ length: 7 }, breaks), streams(events(1), 'breaks'), breaks())
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(200_000)
  expect(waits(following.states).slice(0, 9)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 1000, 2000])
  following.stop()
  await following.reading
})

test('it comes back when the service says, which spreads the returns', async () => {
  const service = createFetch(streams(`retry: 4200\n\n${events(1)}`), streams(events(2), 'waits'))
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(4199)
  expect(service.requests).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(following.ids()).toEqual([1, 2])
  expect(lastEventIds(service)).toEqual([null, '1'])
  following.stop()
  await following.reading
})

test('a service that is busy says how long to leave it alone', async () => {
  const service = createFetch(refuses(503, 'shutting_down', { 'retry-after': '7' }), streams(events(1), 'waits'))
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(6999)
  expect(waits(following.states)).toEqual([7000])
  await vi.advanceTimersByTimeAsync(1)
  expect(following.ids()).toEqual([1])
  following.stop()
  await following.reading
})

test.each([
  ['that does not answer', hangs()],
  ['that says nothing for 40 seconds', streams('retry: 1000\n\n', 'waits')],
])('a connection %s is given up', async (_, dead) => {
  const service = createFetch(dead, streams(events(1), 'waits'))
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(39_999)
  expect(waits(following.states)).toEqual([])
  await vi.advanceTimersByTimeAsync(1001)
  expect(following.states).toContainEqual(
    expect.objectContaining({ state: 'waiting', error: expect.objectContaining({ code: 'silent' }) }),
  )
  expect(following.ids()).toEqual([1])
  following.stop()
  await following.reading
})

test('what wakes it makes it come back at once, and look at a connection that has been silent', async () => {
  const service = createFetch(breaks(), streams(events(1), 'waits'), streams(events(2), 'waits'))
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(1)
  following.wake()
  await vi.advanceTimersByTimeAsync(1)
  expect(following.ids()).toEqual([1])
  following.wake()
  await vi.advanceTimersByTimeAsync(19_000)
  expect(service.requests).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1100)
  following.wake()
  await vi.advanceTimersByTimeAsync(1000)
  expect(following.ids()).toEqual([1, 2])
  following.stop()
  await following.reading
  expect(following.wakes).toEqual(new Set())
  expect(vi.getTimerCount()).toBe(0)
})

test('a gap in the numbers is asked for again; what never comes is told', async () => {
  const service = createFetch(
    streams(events(1, 3), 'waits'),
    streams(events(2, 5), 'waits'),
    streams(events(3, 4, 5, 9), 'waits'),
    streams(events(9, 10), 'waits'),
  )
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(lastEventIds(service)).toEqual([null, '1', '2', '5', '5'])
  expect(following.items.filter(({ kind }) => kind !== 'open')).toMatchObject([
    ...[1, 2, 3, 4, 5].map((id) => ({ kind: 'event', id })),
    { kind: 'gap', after: 5, before: 9 },
    { kind: 'event', id: 9 },
    { kind: 'event', id: 10 },
  ])
  following.stop()
  await following.reading
})

test('what is told again is passed over, and what somebody has cut is asked for again', async () => {
  const service = createFetch(
    streams(`${events(1, 2)}id: 3\ndata: {"type":"assis\n\n`, 'waits'),
    streams(events(2, 3), 'waits'),
  )
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(2000)
  expect(following.ids()).toEqual([1, 2, 3])
  following.stop()
  await following.reading
})

test("somebody in between who answers with a page is waited for; a refusal of the service's own is for good", async () => {
  const page = () => new Response('<html>Log in to this hotel</html>', { headers: { 'content-type': 'text/html' } })
  const service = createFetch(page, refuses(401, 'unauthorized'))
  const following = follow(service)
  await vi.advanceTimersByTimeAsync(2000)
  await expect(following.reading).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
  expect(waits(following.states)).toEqual([1000])
})

test('events that nobody has asked for yet are not read ahead', async () => {
  let given = 0
  const service = createFetch(() => {
    const body = new ReadableStream<Uint8Array>(
      { pull: (stream) => stream.enqueue(new TextEncoder().encode(events(++given))) },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const client = createClient({ baseUrl: 'http://service', fetch: service.fetch })
  const following = client.follow('c')
  for (let n = 0; n < 4; n++) await following.next()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(given).toBe(3)
  await following.return()
})
