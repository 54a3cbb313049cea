import { afterEach, beforeEach, expect, expectTypeOf, test, vi } from 'vitest'
import { startTestService } from '../../server/test/support/service.ts'
import { type AnswerOf, ClaudeProxyError, createClient } from '../src/index.ts'
import { answers, breaks, createFetch, hangs, refuses } from './lines.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** What a call comes to, and all that was asked for it. */
async function outcome<T>(
  service: ReturnType<typeof createFetch>,
  call: (client: ReturnType<typeof createClient>) => Promise<T>,
) {
  const client = createClient({ baseUrl: 'http://service/', token: 'secret', userAgent: 'phone', fetch: service.fetch })
  const result = call(client).then(
    (value): { value?: T; error?: unknown } => ({ value }),
    (error: unknown): { value?: T; error?: unknown } => ({ error }),
  )
  await vi.advanceTimersByTimeAsync(60_000)
  expect(vi.getTimerCount()).toBe(0)
  const bodies = service.requests.map(({ init }) => init.body as string | undefined)
  return { ...(await result), times: service.requests.length, bodies }
}

test('a call is what the table of endpoints says, and carries the token', async () => {
  const service = createFetch(answers({ entries: [] }))
  await outcome(service, (client) => client.files({ cwd: '/srv/a b', hidden: true, limit: 5, cursor: undefined }))
  expect(service.requests[0]).toMatchObject({
    url: 'http://service/v1/files?cwd=%2Fsrv%2Fa%20b&hidden=true&limit=5',
    init: { method: 'GET', headers: { authorization: 'Bearer secret', 'user-agent': 'phone' } },
  })
})

test('a token may be another one each time', async () => {
  const service = createFetch(answers({ rules: [] }))
  const tokens = ['old', 'new', undefined]
  const client = createClient({ baseUrl: 'http://service', token: () => tokens.shift(), fetch: service.fetch })
  for (let n = 0; n < 3; n++) await client.rules()
  const sent = service.requests.map(({ init }) => (init.headers as Record<string, string>)['authorization'])
  expect(sent).toEqual(['Bearer old', 'Bearer new', undefined])
})

test('ids go into the path one by one, then comes the body, then how it is called', async () => {
  const service = createFetch(answers({}))
  const { signal } = new AbortController()
  await outcome(service, (client) => client.editPrompt('a/b', { position: 2 }, { signal }))
  await outcome(service, (client) => client.call('runDiff', { path: { id: 'c', run_id: 'r' } }))
  expect(service.requests).toMatchObject([
    { url: 'http://service/v1/queue/a%2Fb', init: { method: 'PATCH', body: '{"position":2}' } },
    { url: 'http://service/v1/conversations/c/runs/r/diff', init: { method: 'GET' } },
  ])
})

test('which failures are worth asking again is for the caller to say', async () => {
  const service = createFetch(breaks(), answers({ rules: [] }))
  const asked: string[] = []
  const isWorthRepeating = ({ code }: ClaudeProxyError) => asked.push(code) > 1
  const client = createClient({ baseUrl: 'http://service', fetch: service.fetch, isWorthRepeating })
  await expect(client.rules()).rejects.toMatchObject({ code: 'unreachable' })
  expect([service.requests.length, asked]).toEqual([1, ['unreachable']])
})

test('an answer that is too long to be held is taken as it comes', async () => {
  const service = createFetch(() => new Response('{"type":"user"}\n{"ty'))
  const { value } = await outcome(service, (client) =>
    client.open('history', { path: { id: 'a b' }, query: { since: 3 } }),
  )
  expect(service.requests[0]?.url).toBe('http://service/v1/conversations/a%20b/history?since=3')
  expect(await value?.text()).toBe('{"type":"user"}\n{"ty')
})

test.each([
  ['the network', breaks()],
  ['a gateway', () => new Response('Bad gateway', { status: 502 })],
  ['a service that starts', refuses(503, 'storage_unavailable')],
])('what is only asked is asked again when %s fails, five times in all', async (_, fails) => {
  const { value, times } = await outcome(createFetch(fails, fails, answers({ rules: [] })), (client) => client.rules())
  expect({ value, times }).toEqual({ value: { rules: [] }, times: 3 })
  expect((await outcome(createFetch(fails), (client) => client.rules())).times).toBe(5)
})

test('a prompt that is sent again is the same prompt', async () => {
  const service = createFetch(breaks(), breaks(), answers({ outcome: 'repeated' }))
  const { value, bodies } = await outcome(service, (client) =>
    client.send('c', { text: 'x', client_message_id: undefined }),
  )
  expect(value).toEqual({ outcome: 'repeated' })
  expect(JSON.parse(bodies[0] ?? '')).toEqual({ text: 'x', client_message_id: expect.stringMatching(/^[\w-]{20,}$/) })
  expect(new Set(bodies).size).toBe(1)
})

test('whatever else changes something is sent once', async () => {
  const { error, times } = await outcome(createFetch(breaks()), (client) => client.createConversation({ cwd: '/' }))
  expect(times).toBe(1)
  expect(error).toMatchObject({ code: 'unreachable', status: 0, cause: expect.any(TypeError) })
})

test('a refusal is an error with all that the service says of it', async () => {
  const refused = refuses(409, 'agent_folder_busy', {}, { cwd: '/srv', retry_after_ms: 2000 })
  const { error, times } = await outcome(createFetch(refused), (client) => client.send('c', { text: 'x' }))
  expect(times).toBe(1)
  expect(error).toBeInstanceOf(ClaudeProxyError)
  expect(error).toMatchObject({
    status: 409,
    code: 'agent_folder_busy',
    message: 'It is agent_folder_busy.',
    details: { cwd: '/srv', retry_after_ms: 2000 },
  })
})

test('it waits as long as the service asks it to', async () => {
  const service = createFetch(refuses(503, 'shutting_down', { 'retry-after': '20' }), answers({ rules: [] }))
  const client = createClient({ baseUrl: 'http://service', fetch: service.fetch })
  const call = client.rules()
  await vi.advanceTimersByTimeAsync(19_999)
  expect(service.requests).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(await call).toEqual({ rules: [] })
})

test('a call has an end, also when nobody answers', async () => {
  const { error } = await outcome(createFetch(hangs()), (client) => client.rules({}, { timeoutMs: 500 }))
  expect(error).toMatchObject({ code: 'timeout', message: expect.stringContaining('500 ms') })
})

test('who aborts a call gets the own reason, also while it waits', async () => {
  for (const fails of [hangs(), breaks()]) {
    const reason = new Error('The screen was closed.')
    const stop = new AbortController()
    setTimeout(() => stop.abort(reason), 300)
    expect((await outcome(createFetch(fails), (client) => client.rules({}, { signal: stop.signal }))).error).toBe(
      reason,
    )
  }
})

test('a real service answers as the types say', async () => {
  vi.useRealTimers()
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const { conversation_id: id } = await client.createConversation({ cwd: service.folder(), tags: ['a', 'b'] })
  const { upload_id: upload } = await client.upload('Some text.', { name: 'a.txt' })
  const sent = await client.send(id, { text: 'Look.', attachments: [{ upload_id: upload }] })
  expectTypeOf(sent).toEqualTypeOf<AnswerOf<'send'>>()
  await expect.poll(async () => (await client.conversation(id)).state).toBe('idle')
  const { conversations } = await client.conversations({ limit: 1, archived: false, tag: 'a' })
  expect(conversations.map((each) => each.conversation_id)).toEqual([id])
  expect(await (await client.uploaded(upload)).text()).toBe('Some text.')
  const history = await client.history(id, { since: 1 })
  expect(history.map((each) => each.id)).toEqual(history.map((_, n) => n + 2))
  expect(history.at(-1)?.event.type).toBe('result')
  expect(await client.transcript(id, { format: 'md' })).toContain('Look.')
  expect((await client.feedHistory({ conversations: [id], types: ['result'] })).events).toHaveLength(1)
  expect(await client.interrupt(id)).toMatchObject({ stopped: { run_id: null } })
  await expect(client.approval('0'.repeat(32))).rejects.toMatchObject({ status: 404, code: 'approval_unknown' })
  expect(await client.deleteConversation(id)).toEqual({ deleted: id })
})

test('what the table of endpoints does not have does not compile', () => {
  const client = createClient({ baseUrl: 'http://service' })
  const wrong = [
    // @ts-expect-error a text is not how a call is made
    () => client.send('c', 'text'),
    // @ts-expect-error the folder is missing
    () => client.createConversation({}),
    // @ts-expect-error there is no such state
    () => client.conversations({ state: 'asleep' }),
    // @ts-expect-error the second id is missing
    () => client.runDiff('c'),
    // @ts-expect-error streams are followed
    () => client.call('watch', { path: { id: 'c' } }),
  ]
  expect(wrong).toHaveLength(5)
})
