import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, stream, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { newToken } from '../support/tokens.ts'
import { uploaded } from './calls.ts'
import { expectError } from './expectations.ts'

describe('a token for one folder', () => {
  let service: TestService
  let headers: { authorization: string }
  let mine: string
  let foreign: string
  let upload: string
  let waiting: Awaited<ReturnType<typeof stream>>

  const ask = (path: string, body?: object, method = body ? 'POST' : 'GET') =>
    call(`${service.base}${path}`, { method, headers, ...(body && { body }) })
  const at = (cwd: string) => `cwd=${encodeURIComponent(cwd)}`

  beforeAll(async () => {
    service = await startTestService({ agent: 'claude' })
    mine = service.folder('mine')
    foreign = service.folder('mine-not')
    writeFileSync(join(foreign, 'secret.txt'), 'pumpernickel')
    symlinkSync(foreign, join(mine, 'way-out'))
    ;({ headers } = await newToken(service, { roots: [mine] }))
    upload = await uploaded(service, 'hello', 'a.txt')
    const attachments = [{ upload_id: upload }]
    const body = { conversation_id: 'theirs', cwd: foreign, text: 'pumpernickel', attachments }
    await streamAll(service.base, body)
    await streamAll(service.base, { conversation_id: 'ours', cwd: mine, text: 'pumpernickel' })
    const question = { conversation_id: 'theirs', cwd: foreign, text: '@bash touch asked' }
    waiting = await stream(service.base, question)
    await waiting.until(({ event }) => event.type === 'tool_permission')
    await call(`${service.base}/v1/conversations/theirs/messages`, {
      method: 'POST',
      body: { text: 'later', when_busy: 'queue' },
    })
  })
  afterAll(async () => {
    waiting.cut()
    await service[Symbol.asyncDispose]()
  })

  test('shows in lists and in what is searched only what lies there', async () => {
    const { json } = await ask('/v1/conversations')
    expect(json?.['conversations']).toMatchObject([{ conversation_id: 'ours' }])
    const ids = async () => (await ask('/v1/search?q=pumpernickel')).json?.['hits'] as { conversation_id: string }[]
    await expect.poll(async () => (await ids()).length, { timeout: 10_000 }).toBeGreaterThan(0)
    expect(new Set((await ids()).map(({ conversation_id: id }) => id))).toEqual(new Set(['ours']))
    expect((await ask('/v1/conversations?text=pumpernickel')).json?.['conversations']).toHaveLength(1)
    expect((await ask('/v1/approvals')).json).toEqual({ approvals: [] })
    expect((await ask('/v1/approvals?conversation_id=theirs')).json).toEqual({ approvals: [] })
    expect((await ask(`/v1/conversations?${at(foreign)}`)).json?.['conversations']).toEqual([])
  })

  test('streams and pages through only what happens there, also what begins later', async () => {
    const { json } = await ask('/v1/history?limit=100')
    const { events } = json as { events: object[] }
    expect(events.length).toBeGreaterThan(0)
    expect(JSON.stringify(events)).not.toContain('theirs')
    expectError(await ask('/v1/history?conversations=theirs'), 404, 'conversation_unknown')
    const open = await fetch(`${service.base}/v1/stream?snapshot=true`, { headers })
    let text = ''
    const reading = (async () => {
      for await (const part of open.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += part
        if (/said later, here[\s\S]*"type":"result"/.test(text)) return
      }
    })()
    await streamAll(service.base, { conversation_id: 'elsewhere', cwd: service.folder('other'), text: 'said there' })
    const later = service.folder('mine/later')
    await streamAll(service.base, { conversation_id: 'later', cwd: later, text: 'said later, here' })
    await reading
    for (const foreignText of ['theirs', 'elsewhere', 'said there', foreign]) expect(text).not.toContain(foreignText)
  })

  test('answers for a foreign conversation as for one that is not there', async () => {
    const doors: [path: string, body?: object | undefined, method?: string][] = [
      [''],
      ['/history'],
      ['/events'],
      ['/stream'],
      ['/transcript?format=md'],
      ['/queue'],
      ['/interrupt', {}],
      ['/fork', {}],
      ['/rewind', { to: 1 }],
      ['/messages', { text: 'hello' }],
      ['', { title: 'x' }, 'PATCH'],
      ['', undefined, 'DELETE'],
    ]
    for (const [path, body, method] of doors) {
      const theirs = await ask(`/v1/conversations/theirs${path}`, body, method)
      const nobody = await ask(`/v1/conversations/nobody${path}`, body, method)
      expect({ ...theirs.json, status: theirs.status }).toEqual(
        JSON.parse(JSON.stringify({ ...nobody.json, status: nobody.status }).replaceAll('nobody', 'theirs')),
      )
      expectError(theirs, 404, 'conversation_unknown')
    }
    expectError(await ask(`/v1/search?q=x&conversation_id=theirs`), 404, 'conversation_unknown')
    expect((await call(`${service.base}/v1/conversations/theirs`)).json).toMatchObject({ title: 'pumpernickel' })
  })

  test('answers for foreign approvals, prompts, runs, uploads and rules as for such that are not there', async () => {
    const all = await call(`${service.base}/v1/approvals`)
    const [approval] = (all.json as { approvals: { approval_id: string; run_id: string }[] }).approvals
    expectError(await ask(`/v1/approvals/${approval?.approval_id}`), 404, 'approval_unknown')
    const answer = await ask(`/v1/approvals/${approval?.approval_id}`, { behavior: 'allow' })
    expectError(answer, 404, 'approval_unknown')
    const old = { conversation_id: 'theirs', cwd: foreign, permission_id: approval?.approval_id, behavior: 'allow' }
    expectError(await ask('/v1/agent/tool_permission', old), 404, 'permission_not_found')
    expectError(await ask(`/v1/conversations/theirs/runs/${approval?.run_id}/diff`), 404, 'run_unknown')
    expectError(await ask(`/v1/conversations/ours/runs/${approval?.run_id}/diff`), 404, 'run_unknown')
    const queue = await call(`${service.base}/v1/conversations/theirs/queue`)
    const [prompt] = (queue.json as { prompts: { prompt_id: string }[] }).prompts
    expectError(await ask(`/v1/queue/${prompt?.prompt_id}`, { text: 'x' }, 'PATCH'), 404, 'prompt_unknown')
    expectError(await ask(`/v1/queue/${prompt?.prompt_id}`, undefined, 'DELETE'), 404, 'prompt_unknown')
    expectError(await ask(`/v1/queue/${prompt?.prompt_id}/steer`, undefined, 'POST'), 404, 'prompt_unknown')
    expectError(await ask(`/v1/uploads/${upload}`), 404, 'upload_unknown')
    const taken = { text: 'read it', attachments: [{ upload_id: upload }] }
    expectError(await ask('/v1/conversations/ours/messages', taken), 404, 'upload_unknown')
  })

  test('lets nobody into another folder, nor see whether one is there', async () => {
    const places = [foreign, join(foreign, 'not-there'), join(foreign, 'secret.txt'), join(mine, 'way-out'), '/', '~']
    for (const cwd of places) {
      const start = await ask('/v1/agent/stream', { conversation_id: 'new', cwd, text: 'hello' })
      expectError(start, 403, 'forbidden_folder')
      for (const path of [
        `/v1/conversations/canonical?${at(cwd)}`,
        `/v1/files?${at(cwd)}&path=`,
        `/v1/git/log?${at(cwd)}`,
        `/v1/sessions?${at(cwd)}`,
      ])
        expectError(await ask(path), 403, 'forbidden_folder')
      expectError(await ask('/v1/conversations', { cwd }), 403, 'forbidden_folder')
      expectError(await ask('/v1/conversations/activate', { conversation_id: 'new', cwd }), 403, 'forbidden_folder')
    }
    // Who attaches to a run that is known there is not asked for the folder on the disk.
    const attach = await ask('/v1/agent/stream', { conversation_id: 'theirs', cwd: foreign })
    expectError(attach, 403, 'forbidden_folder')
    const through = await ask(`/v1/files/content?${at(mine)}&path=way-out/secret.txt`)
    expectError(through, 403, 'forbidden_path')
  })

  test('is told of its own folders, as far as the operator allows them', async () => {
    expect((await ask('/v1/folders')).json).toEqual({ roots: [mine], home: null })
    await using narrow = await startTestService({ config: { allowedRoots: [join(mine, 'later'), foreign] } })
    const told = async (token = {}) => (await call(`${narrow.base}/v1/folders`, { headers: token })).json?.['roots']
    expect(await told()).toEqual([join(mine, 'later'), foreign])
    const { headers: narrowed } = await newToken(narrow, { roots: [mine] })
    expect(await told(narrowed)).toEqual([join(mine, 'later')])
  })

  test('is told what was used there, and nothing that is measured for all', async () => {
    const { json } = await ask('/v1/usage?by=folder')
    const folders = (json as { entries: { cwd: string }[] }).entries.map(({ cwd }) => cwd)
    expect(folders).toContain(mine)
    expect(folders).not.toContain(foreign)
    expect((await ask(`/v1/usage?by=folder&${at(foreign)}`)).json).toMatchObject({ entries: [], total: { runs: 0 } })
    expectError(await ask('/metrics'), 403, 'forbidden_folder')
  })

  test('does not tell where an id belongs that is taken', async () => {
    const start = await ask('/v1/agent/stream', { conversation_id: 'theirs', cwd: mine, text: 'hello' })
    expectError(start, 409, 'conversation_exists')
    const activate = await ask('/v1/conversations/activate', { conversation_id: 'theirs', cwd: mine })
    expectError(activate, 409, 'conversation_exists')
    for (const { text } of [start, activate]) expect(text).not.toContain(foreign)
  })

  test('works as ever in its own folder', async () => {
    const answer = await ask('/v1/agent/stream', { conversation_id: 'ours', cwd: mine, text: 'again' })
    expect(answer.text).toContain('"type":"result"')
    expect((await ask(`/v1/files?${at(mine)}&path=`)).status).toBe(200)
    expect((await ask('/v1/conversations/ours')).json).toMatchObject({ runs: 2 })
  })

  test('and none at all where the operator allows other folders only', async () => {
    await using narrow = await startTestService({ config: { allowedRoots: [foreign] } })
    const { headers: useless } = await newToken(narrow, { roots: [mine] })
    expectError(await call(`${narrow.base}/v1/conversations`, { headers: useless }), 403, 'forbidden_folder')
  })
})
