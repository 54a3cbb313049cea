import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/store/sqlite/open.ts'
import { type Answer, call, stream } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { newToken } from '../support/tokens.ts'
import { expectError } from './expectations.ts'

interface Entry {
  readonly number: number
  readonly who: string
  readonly action: string
  readonly conversation_id: string | null
  readonly subject: string | null
  readonly detail: string | null
  readonly [field: string]: unknown
}

describe('what is done at each door', () => {
  let service: TestService
  let headers: { authorization: string }
  let name: string
  let cwd: string

  beforeAll(async () => {
    service = await startTestService({ agent: 'claude', config: { prepare: true } })
    ;({ headers, name } = await newToken(service))
    cwd = service.folder()
  })
  afterAll(() => service[Symbol.asyncDispose]())

  const ask = (path: string, body?: object | string, method = body === undefined ? 'GET' : 'POST') =>
    call(`${service.base}${path}`, {
      method,
      headers: { ...headers, 'user-agent': 'phone/1' },
      ...(body !== undefined && { body }),
    })
  const id = (answer: Answer, field: string) => String(answer.json?.[field])
  const entries = async (query = '') => (await ask(`/v1/audit${query}`)).json?.['entries'] as Entry[]
  const newest = async () => (await entries('?limit=999')).at(-1)?.number ?? 0

  async function asked(conversation: string): Promise<string> {
    await ask(`/v1/conversations/${conversation}/messages`, { text: '@bash touch x' })
    let approval: { approval_id: string } | undefined
    const look = async () => {
      const { json } = await ask(`/v1/approvals?conversation_id=${conversation}`)
      ;[approval] = (json as { approvals: { approval_id: string }[] }).approvals
      return approval !== undefined
    }
    await expect.poll(look, { timeout: 30_000 }).toBe(true)
    return approval?.approval_id ?? ''
  }

  const made = async () => id(await ask('/v1/conversations', { cwd: service.folder() }), 'conversation_id')

  /** A conversation with a run in it that is over. */
  async function ran(): Promise<string> {
    const conversation = `ran-${crypto.randomUUID()}`
    await ask('/v1/agent/stream', { conversation_id: conversation, cwd: service.folder(), text: 'hello' })
    return conversation
  }

  async function queued(conversation: string): Promise<string> {
    await asked(conversation)
    return id(await ask(`/v1/conversations/${conversation}/messages`, { text: 'later' }), 'run_id')
  }

  /** How each door that is for more than looking is used so that something happens. */
  const DEEDS: Partial<Record<EndpointName, () => Promise<Answer>>> = {
    stream: () => ask('/v1/agent/stream', { conversation_id: 'c', cwd, text: 'hello' }),
    prepare: () => ask('/v1/agent/prepare', { cwd: service.folder() }),
    async permission() {
      const place = service.folder()
      const body = { conversation_id: 'p', cwd: place, text: '@bash touch x' }
      const open = await fetch(`${service.base}/v1/agent/stream`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      let text = ''
      for await (const part of open.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += part
        const permission = /"permission_id":"([0-9a-f]+)"/.exec(text)?.[1]
        if (permission === undefined) continue
        const answer = { conversation_id: 'p', cwd: place, permission_id: permission, behavior: 'allow' }
        return ask('/v1/agent/tool_permission', answer)
      }
      throw new Error('nothing was asked')
    },
    answer: async () => ask(`/v1/approvals/${await asked(await made())}`, { behavior: 'allow', remember: 'session' }),
    async removeRule() {
      await ask(`/v1/approvals/${await asked(await made())}`, { behavior: 'allow', remember: 'session' })
      const { json } = await ask('/v1/approval-rules')
      const rule = (json as { rules: { rule_id: string }[] }).rules.at(-1)
      return ask(`/v1/approval-rules/${rule?.rule_id}`, undefined, 'DELETE')
    },
    canonical: () => ask(`/v1/conversations/canonical?cwd=${encodeURIComponent(service.folder())}`),
    activate: () => ask('/v1/conversations/activate', { conversation_id: 'other', cwd: service.folder() }),
    createConversation: () => ask('/v1/conversations', { cwd }),
    changeConversation: async () => ask(`/v1/conversations/${await made()}`, { title: 'x', tags: [] }, 'PATCH'),
    deleteConversation: async () => ask(`/v1/conversations/${await made()}`, undefined, 'DELETE'),
    send: async () => ask(`/v1/conversations/${await made()}/messages`, { text: 'hello' }),
    fork: async () => ask(`/v1/conversations/${await ran()}/fork`, {}),
    rewind: async () => ask(`/v1/conversations/${await ran()}/rewind`, { to: 1 }),
    async interrupt() {
      const conversation = await made()
      await asked(conversation)
      return ask(`/v1/conversations/${conversation}/interrupt`, {})
    },
    editPrompt: async () => ask(`/v1/queue/${await queued(await made())}`, { text: 'x' }, 'PATCH'),
    cancelPrompt: async () => ask(`/v1/queue/${await queued(await made())}`, undefined, 'DELETE'),
    steerPrompt: async () => ask(`/v1/queue/${await queued(await made())}/steer`, undefined, 'POST'),
    upload: () => ask('/v1/uploads?name=a.txt', 'hello'),
  }

  const changing = (Object.keys(ENDPOINTS) as EndpointName[]).filter((door) => {
    const { scope, method } = ENDPOINTS[door] as { scope?: string; method: string }
    return scope === 'run' || scope === 'approve' || (scope === 'admin' && method !== 'GET')
  })

  test.each(changing)(
    '%s is noted before it is answered, with who did it',
    async (door) => {
      const deed = DEEDS[door]
      if (!deed) throw new Error(`nobody has said how to use ${door}`)
      const before = await newest()
      expect((await deed()).status).toBeOneOf([200, 202])
      const [noted, ...more] = (await entries(`?after=${before}`)).filter(({ action }) => action === door)
      expect(noted).toMatchObject({ who: name, user_agent: 'phone/1', from: '127.0.0.1' })
      if (door === 'upload') expect(noted).toMatchObject({ cwd: null, subject: expect.any(String) })
      else expect(noted).toMatchObject({ cwd: expect.any(String), conversation_id: expect.any(String) })
      expect(more).toEqual([])
    },
    60_000,
  )

  test('what is refused, repeated, only looked at or comes to nothing is not', async () => {
    const [conversation, idle] = [await made(), await made()]
    const message = { text: 'once', client_message_id: 'k' }
    await ask(`/v1/conversations/${conversation}/messages`, message)
    const before = await newest()
    await ask(`/v1/conversations/${conversation}/messages`, message)
    await ask(`/v1/conversations/${conversation}`)
    await ask(`/v1/conversations/nobody/messages`, { text: 'x' })
    for (const scope of ['turn', 'all'])
      expect((await ask(`/v1/conversations/${idle}/interrupt`, { scope })).status).toBe(200)
    await ask(`/v1/conversations/canonical?cwd=${encodeURIComponent(cwd)}`)
    expect(await entries(`?after=${before}`)).toEqual([])
  })
})

describe('the audit trail', () => {
  test('names who comes without a token, is read in pages, and only by who may', async () => {
    await using service = await startTestService()
    const cwd = service.folder()
    for (let n = 0; n < 5; n++)
      await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd }, headers: { 'user-agent': 'x' } })
    const page = async (query: string) => (await call(`${service.base}/v1/audit${query}`)).json as Page
    type Page = { entries: Entry[]; next_after: number | null }
    const { entries: first, next_after: next } = await page('?limit=3')
    expect(first).toHaveLength(3)
    expect(first[0]).toMatchObject({ who: 'loopback', user_agent: 'x', action: 'createConversation', cwd })
    expect(await page(`?limit=3&after=${next}`)).toMatchObject({ entries: { length: 2 }, next_after: null })
    const later = new Date(Date.now() + 60_000).toISOString()
    expect((await page(`?since=${later}`)).entries).toEqual([])
    const { headers } = await newToken(service, { scopes: ['read', 'run', 'approve'] })
    expectError(await call(`${service.base}/v1/audit`, { headers }), 403, 'forbidden_scope', { needed: 'admin' })
    expectError(await call(`${service.base}/v1/audit?since=yesterday`), 400, 'bad_request')
  })

  test('shows to a token with folders only what was done there', async () => {
    await using service = await startTestService()
    const [mine, other] = [service.folder(), service.folder()]
    for (const cwd of [mine, other]) await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd } })
    const { headers } = await newToken(service, { roots: [mine] })
    const { json } = await call(`${service.base}/v1/audit`, { headers })
    expect((json as { entries: Entry[] }).entries).toMatchObject([{ cwd: mine }])
  })

  test('a token gives its name to the answers that it gives, whatever its program calls itself', async () => {
    await using service = await startTestService({ agent: 'claude' })
    const { headers, name } = await newToken(service)
    const cwd = service.folder()
    const run = await stream(service.base, { conversation_id: 'c', cwd, text: '@bash touch x' })
    const { event } = await run.until((each) => each.event.type === 'tool_permission')
    const url = `${service.base}/v1/approvals/${String(event['permission_id'])}`
    const answer = { method: 'POST', headers: { ...headers, 'user-agent': 'operator' }, body: { behavior: 'deny' } }
    expect((await call(url, answer)).json).toMatchObject({ settled_by: name })
    await run.ended
  })
})

test('what cannot be noted now is answered as what it is, and noted when it can be', async () => {
  await using service = await startTestService()
  const db = connect(join(service.dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  db.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
  const made = await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd: service.folder() } })
  expect(made.status).toBe(200)
  const entries = async () => (await call(`${service.base}/v1/audit`)).json?.['entries']
  expect(await entries()).toEqual([])
  expect(service.complaints).toEqual([
    expect.stringMatching(/not in the audit trail yet.*createConversation.*no room/s),
  ])
  db.exec('DROP TRIGGER full')
  await expect
    .poll(entries, { timeout: 30_000 })
    .toMatchObject([{ action: 'createConversation', conversation_id: made.json?.['conversation_id'] }])
})

test('what could not be noted until the end is noted in it', async () => {
  await using service = await startTestService()
  const db = connect(join(service.dataDir, 'claude-proxy.db'))
  onTestFinished(() => db.close())
  db.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
  await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd: service.folder() } })
  db.exec('DROP TRIGGER full')
  await service.restart()
  const { json } = await call(`${service.base}/v1/audit`)
  expect(json?.['entries']).toMatchObject([{ action: 'createConversation' }])
})
