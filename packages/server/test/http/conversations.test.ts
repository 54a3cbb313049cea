import { existsSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { type Answer, call, type Received, stream } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { type At, canonical, post, postStream, questionOf, resultsOf, textsOf } from './calls.ts'
import { expectError, expectWholeRuns } from './expectations.ts'

/** Conversations as things of their own: sending and watching are two things, and no name leads elsewhere. */

const PATIENCE = { timeout: 30_000, interval: 20 }
const DOOR = '/v1/conversations'

const create = (service: At, body: object) => post(service, DOOR, body)
const send = (service: At, id: string, body: object, headers = {}) =>
  post(service, `${DOOR}/${id}/messages`, body, headers)
const show = (service: At, id: string) => call(`${service.base}${DOOR}/${id}`)
const list = (service: At, query = '') => call(`${service.base}${DOOR}${query}`)
const remove = (service: At, id: string) => call(`${service.base}${DOOR}/${id}`, { method: 'DELETE' })
const change = (service: At, id: string, body: object) =>
  call(`${service.base}${DOOR}/${id}`, { method: 'PATCH', body })

async function made(service: At, body: object): Promise<string> {
  const answer = await create(service, body)
  expect(answer.status).toBe(200)
  return String(answer.json?.['conversation_id'])
}

const titles = (answer: Answer) =>
  ((answer.json?.['conversations'] ?? []) as { title: string }[]).map(({ title }) => title)

/** All events of a conversation, by its own id. */
async function replay(base: string, id: string): Promise<Received[]> {
  const answer = await call(`${base}${DOOR}/${id}/history`)
  expect(answer.status).toBe(200)
  const lines = answer.text.split('\n').slice(0, -1)
  return lines.map((data, n) => ({ id: n + 1, data, event: JSON.parse(data) }))
}

/** A stream by GET, as a browser's EventSource reads it. */
interface Watching {
  readonly response: IncomingMessage
  readonly text: () => string
  readonly ended: Promise<void>
}

function watch(service: At, id: string, query = '', headers: Record<string, string> = {}): Promise<Watching> {
  return new Promise((resolve, reject) => {
    get(`${service.base}${DOOR}/${id}/stream${query}`, { headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      const ended = new Promise<void>((done) => response.on('close', done))
      response.on('error', () => {})
      resolve({ response, text: () => text, ended })
    }).on('error', reject)
  })
}

const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))

test.each(['scripted', 'claude'] as const)(
  'with %s a prompt is sent, and watched apart from it, run after run',
  async (agent) => {
    await using service = await startTestService({ agent })
    const id = await made(service, { cwd: service.folder(), title: 'Two runs' })
    const watching = await watch(service, id)
    const sent = await send(service, id, { text: 'The first.' })
    expect(sent).toMatchObject({
      status: 202,
      json: { conversation_id: id, outcome: 'begun', queue_position: null, watch_since: 0 },
    })
    await expect.poll(() => watching.text().match(/"type":"result"/g)?.length, PATIENCE).toBe(1)
    const second = await send(service, id, { text: 'The second.' })
    await expect.poll(() => watching.text().match(/"type":"result"/g)?.length, PATIENCE).toBe(2)
    const log = await replay(service.base, id)
    expect(JSON.stringify(log[Number(second.json?.['watch_since'])])).toContain('The second.')
    expect(idsIn(watching.text())).toEqual(log.map(({ id: number }) => number))
    expectWholeRuns(log, 2)
    expect(watching.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(watching.text()).toMatch(/^retry: \d+\n\n/)
    watching.response.destroy()
  },
)

test('a folder holds many conversations, one of which runs at a time; none of them becomes its canonical one', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  await (
    await stream(service.base, { conversation_id: 'old', cwd, text: 'Hello' })
  ).ended
  const [one, two] = [await made(service, { cwd }), await made(service, { cwd, conversation_id: 'two' })]
  expect(two).toBe('two')
  expect(await send(service, one, { text: '@ask' })).toMatchObject({ status: 202, json: { outcome: 'begun' } })
  expect(await send(service, two, { text: 'Later' })).toMatchObject({
    status: 202,
    json: { outcome: 'queued', queue_position: 1 },
  })
  expectError(await send(service, two, { text: 'Now', when_busy: 'reject' }), 409, 'agent_folder_busy')
  await expect.poll(async () => (await show(service, one)).json?.['state'], PATIENCE).toBe('waiting')
  expect((await show(service, two)).json).toMatchObject({ state: 'idle', queue: [{ text: 'Later' }] })
  const [asked] = ((await show(service, one)).json?.['approvals'] ?? []) as { approval_id: string }[]
  await post(service, `/v1/approvals/${asked?.approval_id}`, { behavior: 'allow' })
  await expect.poll(async () => resultsOf(await replay(service.base, two)).length, PATIENCE).toBe(1)
  expect(textsOf(await replay(service.base, two), 'user')).toEqual(['Later'])
  expect((await canonical(service, cwd)).json).toMatchObject({ canonical_id: 'old' })
  // The old door still follows the folder's pointer, and its names do not lead to the new doors.
  await (
    await stream(service.base, { conversation_id: 'alias', cwd, text: 'Again' })
  ).ended
  expectError(await show(service, 'alias'), 404, 'conversation_unknown')
  expectError(await send(service, 'alias', { text: 'x' }), 404, 'conversation_unknown')
})

test('the same key is the same run', async () => {
  await using service = await startTestService()
  const id = await made(service, { cwd: service.folder() })
  const key = { 'idempotency-key': 'once' }
  const first = await send(service, id, { text: 'Hello' }, key)
  const again = await send(service, id, { text: 'Hello' }, key)
  expect(again.json).toMatchObject({ run_id: first.json?.['run_id'], outcome: 'repeated', watch_since: 0 })
  expectError(await send(service, id, { text: 'Other' }, key), 409, 'idempotency_key_reused')
  await expect.poll(async () => resultsOf(await replay(service.base, id)).length, PATIENCE).toBe(1)
})

test('a watcher comes back with its last id, which counts more than the address, and misses nothing', async () => {
  await using service = await startTestService()
  const id = await made(service, { cwd: service.folder() })
  await send(service, id, { text: '@load n=500 rate=0 size=200' })
  await expect.poll(async () => resultsOf(await replay(service.base, id)).length, PATIENCE).toBe(1)
  const { length } = await replay(service.base, id)
  const from = async (query: string, header?: number) => {
    const watching = await watch(service, id, query, header === undefined ? {} : { 'last-event-id': String(header) })
    await expect.poll(() => idsIn(watching.text()).at(-1), PATIENCE).toBe(length)
    watching.response.destroy()
    return idsIn(watching.text())[0]
  }
  expect(await from('')).toBe(1)
  expect(await from('?since=100')).toBe(101)
  expect(await from('?since=100', 400)).toBe(401)
  const live = await watch(service, id, '?since=head&snapshot=true')
  await expect.poll(() => live.text(), PATIENCE).toContain('"verdict":"live"')
  await send(service, id, { text: 'More' })
  await expect.poll(() => idsIn(live.text())[0], PATIENCE).toBe(length + 1)
  live.response.destroy()
})

test('a stream that is asked to opens with the truth: what the cursor is worth, and what goes on', async () => {
  await using service = await startTestService()
  const id = await made(service, { cwd: service.folder(), title: 'Truth' })
  await send(service, id, { text: '@ask' })
  await expect.poll(async () => (await show(service, id)).json?.['state'], PATIENCE).toBe('waiting')
  const { head } = (await show(service, id)).json as { head: number }
  const opened = async (query: string) => {
    const watching = await watch(service, id, query)
    await expect.poll(() => /event: snapshot\ndata: (.*)\n\n/.exec(watching.text())?.[1], PATIENCE).toBeDefined()
    // What opens the stream comes before its events.
    expect(watching.text()).toMatch(/^retry: 1000\n\nevent: snapshot\n/)
    const [, data = ''] = /event: snapshot\ndata: (.*)\n\n/.exec(watching.text()) ?? []
    watching.response.destroy()
    return { ...JSON.parse(data), reset: watching.response.headers['x-proxy-reset'] }
  }
  expect(await opened('?snapshot=true&since=1')).toMatchObject({
    verdict: 'resumed',
    head,
    title: 'Truth',
    state: 'waiting',
    approvals: [{ state: 'pending', kind: 'tool' }],
    queue: [],
  })
  expect(await opened('?snapshot=true&since=head')).toMatchObject({ verdict: 'live' })
  expect(await opened('?snapshot=true&since=99999')).toMatchObject({ verdict: 'reset', reset: 'true' })
})

test('a watcher is sent away after the time it asked for, and comes back to where it was', async () => {
  await using service = await startTestService()
  const id = await made(service, { cwd: service.folder() })
  await send(service, id, { text: 'Hello' })
  const watching = await watch(service, id, '?close_after=1')
  await watching.ended
  expect(watching.text()).toContain('"type":"result"')
})

test('a stop of the service tells watchers to come back, not all at once', async () => {
  await using service = await startTestService()
  const id = await made(service, { cwd: service.folder() })
  const watching = await Promise.all(Array.from({ length: 8 }, () => watch(service, id)))
  await service.restart()
  await Promise.all(watching.map(({ ended }) => ended))
  const retries = watching.map(({ text }) =>
    [...text().matchAll(/^retry: (\d+)$/gm)].map(([, ms]) => Number(ms)).at(-1),
  )
  expect(new Set(retries).size).toBeGreaterThan(3)
})

test('conversations are listed newest first, page by page, apart from those that were put away', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const ids: string[] = []
  for (const title of ['a', 'b', 'c', 'd']) ids.push(await made(service, { cwd, title }))
  await send(service, String(ids[0]), { text: 'Hello' })
  const first = await list(service, '?limit=2')
  expect(titles(first)).toEqual(['a', 'd'])
  const next = await list(service, `?limit=2&cursor=${String(first.json?.['next_cursor'])}`)
  expect(titles(next)).toEqual(['c', 'b'])
  expect(next.json?.['next_cursor']).toBeNull()
  expect(await change(service, String(ids[3]), { archived: true, title: 'D' })).toMatchObject({
    status: 200,
    json: { archived: true, title: 'D' },
  })
  expect(titles(await list(service))).toEqual(['a', 'c', 'b'])
  expect(titles(await list(service, '?archived=true'))).toEqual(['D'])
  expect(titles(await list(service, `?cwd=${encodeURIComponent(service.folder())}`))).toEqual([])
  expectError(await list(service, '?cursor=nonsense'), 400, 'bad_request')
  expectError(await change(service, String(ids[0]), {}), 400, 'bad_request')
  expectError(await change(service, 'nobody', { title: 'x' }), 404, 'conversation_unknown')
})

test('conversations are found by tags and by what they do now', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const bug = await made(service, { cwd, title: 'Bug', tags: [' bug ', 'Größe', 'bug', 'Gr\u006f\u0308ße'] })
  await made(service, { cwd, title: 'Plain' })
  expect((await show(service, bug)).json).toMatchObject({ tags: ['bug', 'Größe'] })
  expect(titles(await list(service, '?tag=bug'))).toEqual(['Bug'])
  expect(titles(await list(service, `?tag=${encodeURIComponent('Größe')}&state=idle`))).toEqual(['Bug'])
  expect(titles(await list(service, '?tag=Bug'))).toEqual([])
  await send(service, bug, { text: '@ask' })
  await expect.poll(async () => titles(await list(service, '?state=waiting')), PATIENCE).toEqual(['Bug'])
  expect(titles(await list(service, '?state=idle'))).toEqual(['Plain'])
  expect(titles(await list(service, '?state=running'))).toEqual([])
  expect(await change(service, bug, { tags: [] })).toMatchObject({ status: 200, json: { tags: [], title: 'Bug' } })
  expect(titles(await list(service, '?tag=bug'))).toEqual([])
  for (const tags of [
    ['a\nb'],
    [''],
    ['x'.repeat(65)],
    Array.from({ length: 21 }, (_, n) => `${n}`),
    ['\u202ex'],
    'bug',
  ])
    expectError(await change(service, bug, { tags }), 400, 'bad_request')
  expectError(await list(service, '?state=busy'), 400, 'bad_request')
})

test('one that nobody named is called by its first prompt', async () => {
  await using service = await startTestService()
  const id = await made(service, { cwd: service.folder() })
  expect((await show(service, id)).json).toMatchObject({ title: null, state: 'idle', head: 0 })
  await send(service, id, { text: '\nFix the parser\nand the rest' })
  expect((await show(service, id)).json).toMatchObject({ title: 'Fix the parser' })
})

test('a deleted conversation is gone for everybody, and so is its id; one that runs is not deleted', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const id = await made(service, { cwd, conversation_id: 'gone' })
  const running = await stream(service.base, { conversation_id: 'other', cwd: service.folder(), text: '@ask' })
  await questionOf(running)
  expectError(await remove(service, 'other'), 409, 'conversation_already_running')
  await send(service, id, { text: 'Hello' })
  await expect.poll(async () => resultsOf(await replay(service.base, id)).length, PATIENCE).toBe(1)
  const watching = await watch(service, id)
  expect(await remove(service, id)).toMatchObject({ status: 200, json: { deleted: 'gone' } })
  await watching.ended
  expectError(await remove(service, id), 404, 'conversation_unknown')
  expectError(await show(service, id), 404, 'conversation_unknown')
  expectError(await call(`${service.base}${DOOR}/${id}/stream`), 404, 'conversation_unknown')
  expectError(await create(service, { cwd, conversation_id: 'gone' }), 409, 'conversation_exists')
  expectError(await postStream(service, { conversation_id: 'gone', cwd, text: 'x' }), 404, 'conversation_unknown')
  expect(existsSync(cwd)).toBe(true)
})

test('what does not fit is refused, and nothing is made', async () => {
  await using service = await startTestService()
  expectError(await create(service, {}), 400, 'bad_request')
  expectError(await create(service, { cwd: '/does/not/exist' }), 400, 'bad_request')
  expectError(await create(service, { cwd: service.folder(), title: 'a\nb' }), 400, 'bad_request')
  const id = await made(service, { cwd: service.folder() })
  expectError(await send(service, id, {}), 400, 'bad_request')
  expectError(await send(service, id, { text: '  ' }), 400, 'bad_request')
  expectError(await call(`${service.base}${DOOR}/${id}/stream?since=-1`), 400, 'bad_request')
  expect((await show(service, id)).json).toMatchObject({ head: 0 })
})
