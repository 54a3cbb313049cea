import { expect, test } from 'vitest'
import { startTestService } from '../../server/test/support/service.ts'
import { createClient, type FeedItem } from '../src/index.ts'
import { startDoor } from './door.ts'
import { numbers, readTo, wakeSoon } from './following.ts'

const eventsOf = (items: readonly FeedItem[]) => items.filter((item) => item.kind === 'event')

test('many conversations are followed through cuts and a restart, each event once and in its order', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  const client = createClient({ baseUrl: door.base, onWake: wakeSoon })
  door.cutAfter(() => 5000)
  const stop = new AbortController()
  const items: FeedItem[] = []
  const following = (async () => {
    for await (const item of client.followAll({ signal: stop.signal })) items.push(item)
  })()
  const direct = () => createClient({ baseUrl: service.base })
  const prompts = [1, 2, 3].map(() => direct().run('@load n=60 rate=200', { cwd: service.folder() }))
  const runs = await Promise.all(prompts)
  await Promise.all(runs.map((run) => run.result))
  door.open(false)
  await service.restart()
  door.open(true)
  const last = await direct().run('One more.', { cwd: service.folder() })
  const all = [...runs, last].map((run) => run.conversation)
  await expect
    .poll(() => eventsOf(items).filter(({ event }) => event.type === 'result'), { timeout: 30_000 })
    .toHaveLength(4)
  stop.abort()
  await following
  for (const id of all) {
    const ids = eventsOf(items).flatMap((item) => (item.conversation === id ? [item.id] : []))
    const { head } = await direct().conversation(id)
    expect(ids).toEqual(numbers(1, head))
  }
  expect(items.filter(({ kind }) => kind === 'open').length).toBeGreaterThan(3)
})

test('it goes on behind a cursor, or at the head, with what goes on if it is asked', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  const client = createClient({ baseUrl: door.base, onWake: wakeSoon })
  const first = await client.run('one', { cwd: service.folder() })
  await first.result
  const isOver = (item: FeedItem) => item.kind === 'event' && item.event.type === 'result'
  const before = await readTo(client.followAll({ types: ['user', 'result'] }), isOver)
  expect(eventsOf(before).map(({ event }) => event.type)).toEqual(['user', 'result'])
  const cursor = eventsOf(before).at(-1)?.cursor

  const atHead = client.followAll({ since: 'head' })
  const behind = client.followAll({ since: cursor, snapshot: true })
  expect((await atHead.next()).value).toEqual({ kind: 'open', verdict: 'live', snapshot: undefined })
  expect((await behind.next()).value).toMatchObject({ verdict: 'live', snapshot: { running: 0, conversations: [] } })
  door.cut()
  await client.run('two', { conversation: first.conversation })
  const [one, other] = await Promise.all([readTo(atHead, isOver), readTo(behind, isOver)])
  expect(eventsOf(one)).toEqual(eventsOf(other))
  expect(eventsOf(one)[0]).toMatchObject({ conversation: first.conversation, event: { type: 'user' } })
})

test('a cursor that is none is refused', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  await expect(client.followAll({ since: 'nonsense' }).next()).rejects.toMatchObject({
    status: 400,
    code: 'bad_request',
  })
})
