import { get } from 'node:http'
import { brotliDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { call, stream, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { decide, questionOf } from './calls.ts'
import { expectError } from './expectations.ts'

const transcript = (service: TestService, id: string, query = '', options = {}) =>
  call(`${service.base}/v1/conversations/${id}/transcript${query}`, options)

interface JsonTranscript {
  readonly turns: { readonly turn: number; readonly entries: Record<string, unknown>[] }[]
  readonly last: number
}

async function entries(service: TestService, id: string, query = ''): Promise<Record<string, unknown>[]> {
  const { json } = await transcript(service, id, `?format=json${query}`)
  return (json as unknown as JsonTranscript).turns.flatMap((turn) => turn.entries)
}

test('what the real agent did reads as a document: prompt, calls, permission, results, subagent, end', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const task = { description: 'Look', prompt: 'Hello, you.', subagent_type: 'general-purpose' }
  const text = `@bash echo hi > it.txt\n@tool Agent ${JSON.stringify(task)}\n@end All done.`
  const body = { conversation_id: 'real', cwd, text, tool_approvals: { allow: ['Agent'] } }
  const running = await stream(service.base, body)
  await decide(service, 'real', cwd, await questionOf(running), { behavior: 'allow' })
  await running.ended
  const read = await entries(service, 'real')
  expect(read.map(({ kind, tool_name }) => [kind, tool_name])).toEqual(
    expect.arrayContaining([
      ['prompt', undefined],
      ['call', 'Bash'],
      ['asked', 'Bash'],
      ['settled', 'Bash'],
      ['outcome', 'Bash'],
      ['call', 'Agent'],
      ['outcome', 'Agent'],
    ]),
  )
  expect(read).toContainEqual(expect.objectContaining({ kind: 'answer', depth: 1 }))
  expect(read).toContainEqual(
    expect.objectContaining({ kind: 'answer', depth: 0, text: expect.stringContaining('All done.') }),
  )
  const spent = { duration_ms: expect.any(Number), cost_usd: expect.any(Number), total_cost_usd: expect.any(Number) }
  expect(read.at(-1)).toMatchObject({ kind: 'end', is_error: false, ...spent })
  const markdown = await transcript(service, 'real')
  expect(markdown.headers['content-type']).toBe('text/markdown; charset=utf-8')
  expect(markdown.text).toMatch(/\*\*Calls Bash\*\*[^\n]*\n\n```\necho hi > it\.txt\n```\n/)
  expect(markdown.text).toMatch(/\*\*Allowed: Bash \(by [^\n]+\)\*\*/)
  expect(markdown.text).toMatch(/^> \*\*Answer\*\*/m)
})

test('a part of the log is told by since and until, and the foot says up to where', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const first = await streamAll(service.base, { conversation_id: 'part', cwd, text: 'One' })
  const second = await streamAll(service.base, { conversation_id: 'part', cwd, text: 'Two' }, first.length)
  const head = first.length + second.length
  const prompts = async (query: string) =>
    (await entries(service, 'part', query)).filter(({ kind }) => kind === 'prompt').map(({ text }) => text)
  expect(await prompts('')).toEqual(['One', 'Two'])
  expect(await prompts(`&since=${first.length}`)).toEqual(['Two'])
  expect(await prompts(`&until=${first.length}`)).toEqual(['One'])
  expect((await transcript(service, 'part', `?until=2`)).text).toContain('Up to event 2.')
  expect((await transcript(service, 'part', '?since=9999')).text).toContain('Up to event 9999.')
  expect((await transcript(service, 'part')).headers['x-proxy-last-event-id']).toBe(String(head))
})

test('what cannot be told is refused, and nothing is begun', async () => {
  await using service = await startTestService()
  expectError(await transcript(service, 'nobody'), 404, 'conversation_unknown')
  await streamAll(service.base, { conversation_id: 'known', cwd: service.folder(), text: 'One' })
  expectError(await transcript(service, 'known', '?format=pdf'), 400, 'bad_request')
  expectError(await transcript(service, 'known', '?since=-1'), 400, 'bad_request')
  expectError(await transcript(service, 'known', '', { method: 'POST' }), 405, 'method_not_allowed')
  const head = await transcript(service, 'known', '', { method: 'HEAD' })
  expect([head.status, head.text]).toEqual([200, ''])
})

test('a client that asks for it gets the document compressed', async () => {
  await using service = await startTestService()
  await streamAll(service.base, { conversation_id: 'small', cwd: service.folder(), text: 'One' })
  const plain = await transcript(service, 'small')
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const headers = { 'accept-encoding': 'br' }
    get(`${service.base}/v1/conversations/small/transcript`, { headers, agent: false }, (response) => {
      expect(response.headers['content-encoding']).toBe('br')
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)))
    }).on('error', reject)
  })
  expect(brotliDecompressSync(bytes).toString()).toBe(plain.text)
})

test('a log of a hundred thousand events is told piece by piece, while others are answered', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const running = await stream(service.base, {
    conversation_id: 'long',
    cwd,
    text: '@load n=100000 rate=0 size=100 burst=1000',
  })
  running.cut()
  const head = async () => (await call(`${service.base}/v1/conversations/long`)).json
  await expect.poll(head, { timeout: 60_000, interval: 100 }).toMatchObject({ state: 'idle' })
  let answered = 0
  const telling = { isOver: false, answer: transcript(service, 'long', '?format=html') }
  void telling.answer.finally(() => (telling.isOver = true))
  while (!telling.isOver) {
    expect((await call(`${service.base}/healthz`)).status).toBe(200)
    answered++
  }
  const { text } = await telling.answer
  expect(text.match(/<section class="answer">/g)?.length).toBe(100_000)
  expect(text.endsWith('</html>\n')).toBe(true)
  expect(answered).toBeGreaterThan(10)
})

test('a reader that goes away in the middle leaves nothing behind', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  await streamAll(service.base, { conversation_id: 'gone', cwd, text: '@load n=20000 rate=0 size=1000 burst=1000' })
  await new Promise<void>((resolve, reject) => {
    get(`${service.base}/v1/conversations/gone/transcript`, { agent: false }, (response) => {
      response.once('data', () => {
        response.destroy()
        resolve()
      })
    }).on('error', reject)
  })
  expect((await call(`${service.base}/healthz`)).status).toBe(200)
  expect(service.complaints).toEqual([])
})
