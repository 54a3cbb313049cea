import { expect, test } from 'vitest'
import { replay } from '../../server/test/support/client.ts'
import { startTestService, type TestService } from '../../server/test/support/service.ts'
import { createClient, type StreamState } from '../src/index.ts'
import { startDoor } from './door.ts'
import { eventsOf, numbers, opensOf, readTo, resultOf, wakeSoon } from './following.ts'

/** A stream that is followed survives anything, and what comes is each event, once and in order. */

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

async function begin(service: TestService) {
  const door = await startDoor(service)
  const client = createClient({ baseUrl: door.base, onWake: wakeSoon })
  const { conversation_id: id } = await client.createConversation({ cwd: service.folder() })
  return { door, client, id }
}

test(`cut at random bytes, it gives every event once and in order (SEED=${SEED})`, async () => {
  await using service = await startTestService()
  const { door, client, id } = await begin(service)
  let state = SEED
  const random = () => (state = (state * 48_271 + 1) % 2_147_483_647) / 2_147_483_647
  await client.send(id, { text: '@load n=400 rate=800 size=200' })
  door.cutAfter(() => 300 + Math.floor(random() * 20_000))
  // Those that are kept for the next request, too.
  door.cut()
  const items = await readTo(client.follow(id, { partials: true }), resultOf())
  expect(opensOf(items).length).toBeGreaterThan(5)
  const all = await replay(service.base, id)
  expect(eventsOf(items)).toEqual(all.map(({ id: number, event }) => ({ id: number, event })))
})

test('a restart of the service is an interruption like any other', async () => {
  await using service = await startTestService()
  const { door, client, id } = await begin(service)
  const following = readTo(client.follow(id), resultOf(2))
  await (
    await client.run('one', { conversation: id })
  ).result
  door.open(false)
  await service.restart()
  door.open(true)
  await client.send(id, { text: 'two' })
  const items = await following
  expect(eventsOf(items).map((item) => item.id)).toEqual(numbers(1, eventsOf(items).length))
  expect(opensOf(items).length).toBeGreaterThan(1)
})

test('it begins where it is told to, with what the conversation is if it is asked', async () => {
  await using service = await startTestService()
  const { client, id } = await begin(service)
  await (
    await client.run('one', { conversation: id })
  ).result
  const items = await readTo(client.follow(id, { since: 2, snapshot: true }), resultOf())
  expect(items[0]).toMatchObject({ verdict: 'resumed', snapshot: { conversation_id: id, state: 'idle' } })
  expect(items[1]).toMatchObject({ kind: 'event', id: 3 })
})

test('what comes after the head is not lost when the connection breaks before the first of it', async () => {
  await using service = await startTestService()
  const { door, client, id } = await begin(service)
  await (
    await client.run('one', { conversation: id })
  ).result
  const head = (await replay(service.base, id)).length
  const following = client.follow(id, { since: 'head' })
  expect((await following.next()).value).toEqual({ kind: 'open', verdict: 'live', snapshot: undefined })
  door.open(false)
  door.cut()
  const direct = createClient({ baseUrl: service.base })
  await (
    await direct.run('two', { conversation: id })
  ).result
  door.open(true)
  const items = await readTo(following, resultOf())
  const end = (await replay(service.base, id)).length
  expect(eventsOf(items).map((item) => item.id)).toEqual(numbers(head + 1, end))
})

test('what is being written is shown; a new connection says that it begins anew', async () => {
  await using service = await startTestService()
  const { door, client, id } = await begin(service)
  await client.send(id, { text: '@draft size=2000 chunk=10 every=10' })
  let pieces = 0
  const isLast = resultOf()
  const items = await readTo(client.follow(id, { partials: true }), (item) => {
    if (item.kind === 'partial' && ++pieces === 5) door.cut()
    return isLast(item)
  })
  const kinds = items.map(({ kind }) => kind)
  const second = kinds.indexOf('open', kinds.indexOf('partial'))
  expect(second).toBeGreaterThan(0)
  expect(items.slice(second).find(({ kind }) => kind === 'partial')).toMatchObject({
    partial: { kind: 'text', offset: 0, text: expect.stringMatching(/^This text is shown/) },
  })
})

test.each([true, false])('a cursor of another store begins again at 1 (with a snapshot: %s)', async (snapshot) => {
  await using service = await startTestService()
  const { client, id } = await begin(service)
  await (
    await client.run('one', { conversation: id })
  ).result
  const items = await readTo(client.follow(id, { since: 1000, snapshot }), resultOf())
  expect(items.slice(0, 2)).toMatchObject([
    { kind: 'open', verdict: 'reset' },
    { kind: 'event', id: 1 },
  ])
})

test('who stops it gets no error, and nothing more', async () => {
  await using service = await startTestService()
  const { client, id } = await begin(service)
  await client.send(id, { text: '@load n=2000 rate=0\n@hang' })
  const stop = new AbortController()
  let last = 0
  for await (const item of client.follow(id, { signal: stop.signal })) {
    if (item.kind === 'event') last = item.id
    if (last === 100) stop.abort()
  }
  expect(last).toBe(100)
  expect(await readTo(client.follow(id, { signal: stop.signal }), () => false)).toEqual([])
})

test.each([
  ['a token that is wrong', 'wrong', { status: 401, code: 'unauthorized' }],
  ['a conversation that is not there', 'right', { status: 404, code: 'conversation_unknown' }],
])('%s ends it with the reason', async (_, token, error) => {
  await using service = await startTestService({ config: { token: 'right' } })
  const client = createClient({ baseUrl: service.base, token })
  await expect(client.follow('nobody').next()).rejects.toMatchObject(error)
})

test('a conversation that is deleted meanwhile ends it', async () => {
  await using service = await startTestService()
  const { client, id } = await begin(service)
  const states: StreamState[] = []
  const following = readTo(client.follow(id, { onState: (state) => states.push(state) }), () => false)
  following.catch(() => {})
  await expect.poll(() => states).toContainEqual({ state: 'live' })
  await client.deleteConversation(id)
  await expect(following).rejects.toMatchObject({ status: 404, code: 'conversation_unknown' })
  expect(states.map(({ state }) => state)).toEqual(['connecting', 'live', 'waiting', 'connecting'])
})
