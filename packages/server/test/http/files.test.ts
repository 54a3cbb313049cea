import { appendFileSync, mkdirSync, realpathSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, type CallOptions } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { expectError } from './expectations.ts'

const ask = (service: TestService, door: string, query: Record<string, string>, options: CallOptions = {}) => {
  const fields = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return call(`${service.base}${door}?${fields.join('&')}`, options)
}
const list = (service: TestService, query: Record<string, string>) => ask(service, '/v1/files', query)
const content = (service: TestService, query: Record<string, string>, headers: Record<string, string> = {}) =>
  ask(service, '/v1/files/content', query, { headers })

interface EntryBody {
  readonly name: string
  readonly path_bytes?: string
  readonly [field: string]: unknown
}

async function entriesOf(service: TestService, query: Record<string, string>): Promise<EntryBody[]> {
  const { json } = await list(service, query)
  return (json as { entries: EntryBody[] }).entries
}

test('agents may work anywhere, unless the operator has said where', async () => {
  await using anywhere = await startTestService()
  const { json } = await call(`${anywhere.base}/v1/folders`)
  expect(json).toEqual({ roots: ['/'], home: realpathSync(homedir()) })
  const root = anywhere.folder('shop')
  await using somewhere = await startTestService({ config: { allowedRoots: [root] } })
  expect((await call(`${somewhere.base}/v1/folders`)).json).toEqual({ roots: [root], home: null })
})

test('a directory is listed by name, hidden ones only when asked for', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  writeFileSync(join(cwd, 'b.txt'), 'hello')
  writeFileSync(join(cwd, '.hidden'), '')
  mkdirSync(join(cwd, 'a/deep'), { recursive: true })
  symlinkSync('b.txt', join(cwd, 'link'))
  symlinkSync('nowhere', join(cwd, 'broken'))
  symlinkSync('/etc', join(cwd, 'out'))
  expect(await entriesOf(service, { cwd })).toMatchObject([
    { name: 'a', kind: 'directory', hidden: false },
    { name: 'b.txt', kind: 'file', size: 5, modified_at: expect.stringMatching(/^\d{4}-.*Z$/) },
    { name: 'broken', kind: 'link', target: 'nowhere', leads_to: null },
    { name: 'link', kind: 'link', target: 'b.txt', leads_to: 'file' },
    { name: 'out', kind: 'link', target: '/etc', leads_to: null },
  ])
  expect((await entriesOf(service, { cwd, hidden: 'true' }))[0]).toMatchObject({ name: '.hidden', hidden: true })
  expect(await entriesOf(service, { cwd, path: 'a' })).toMatchObject([{ name: 'deep' }])
  expect(await entriesOf(service, { cwd, path: 'a/deep/' })).toEqual([])
})

test('a large directory comes page by page, each name once', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const names = Array.from({ length: 2500 }, (_, n) => `file-${String((n * 7919) % 2500).padStart(4, '0')}`)
  for (const name of names) writeFileSync(join(cwd, name), '')
  const found: string[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const { json } = await list(service, { cwd, limit: '999', ...(cursor !== undefined && { cursor }) })
    const page = json as { entries: EntryBody[]; next_cursor: string | null }
    found.push(...page.entries.map(({ name }) => name))
    cursor = page.next_cursor ?? undefined
    pages++
  } while (cursor !== undefined)
  expect(found).toEqual(names.toSorted())
  expect(pages).toBe(3)
})

test('a name that is no text is shown as far as it is one, and asked for by its bytes', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const name = Buffer.from([0x61, 0xff, 0xfe, 0x62])
  mkdirSync(Buffer.concat([Buffer.from(`${cwd}/`), name]))
  writeFileSync(Buffer.concat([Buffer.from(`${cwd}/`), name, Buffer.from('/in.txt')]), 'found')
  const [directory] = await entriesOf(service, { cwd })
  expect(directory).toMatchObject({ name: 'a\ufffd\ufffdb', path_bytes: name.toString('base64url') })
  const [file] = await entriesOf(service, { cwd, path_bytes: directory?.path_bytes ?? '' })
  expect(file).toMatchObject({ name: 'in.txt', path_bytes: expect.any(String) })
  expect((await content(service, { cwd, path_bytes: file?.path_bytes ?? '' })).text).toBe('found')
})

test('a file comes whole, in parts and by lines, and only when it has changed', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  writeFileSync(join(cwd, 'it.txt'), 'one\ntwo\nthree\n')
  const query = { cwd, path: 'it.txt' }
  const whole = await content(service, query)
  expect(whole).toMatchObject({
    status: 200,
    text: 'one\ntwo\nthree\n',
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '14',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'content-disposition': "inline; filename*=UTF-8''it.txt",
    },
  })
  const etag = String(whole.headers.etag)
  const part = await content(service, query, { range: 'bytes=4-6' })
  expect(part).toMatchObject({ status: 206, text: 'two', headers: { 'content-range': 'bytes 4-6/14' } })
  expect((await content(service, query, { range: 'bytes=-6' })).text).toBe('three\n')
  expect((await content(service, query, { 'if-none-match': `"x", W/${etag}` })).status).toBe(304)
  expect((await content(service, query, { range: 'bytes=4-6', 'if-range': etag })).status).toBe(206)
  expect(await content(service, { ...query, lines: '2-9' })).toMatchObject({
    status: 200,
    text: 'two\nthree\n',
    headers: { 'x-proxy-lines': '2-3' },
  })
  const beyond = await content(service, query, { range: 'bytes=14-' })
  expectError(beyond, 416, 'range_not_satisfiable')
  expect(beyond.headers['content-range']).toBe('bytes */14')
  expectError(await content(service, { ...query, lines: '4-5' }), 416, 'range_not_satisfiable')
  expectError(await content(service, { ...query, lines: '3-2' }), 400, 'bad_request')
  const head = await ask(service, '/v1/files/content', query, { method: 'HEAD' })
  expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '14'])
  // The same size and the same time are not the same file.
  appendFileSync(join(cwd, 'it.txt'), 'x')
  truncateSync(join(cwd, 'it.txt'), 14)
  expect((await content(service, query, { 'if-none-match': etag })).status).toBe(200)
  expect(await content(service, query, { range: 'bytes=4-6', 'if-range': etag })).toMatchObject({ status: 200 })
})

test('a file of any size is had in parts, and not at once', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  writeFileSync(join(cwd, 'huge'), 'begin')
  truncateSync(join(cwd, 'huge'), 50 * 1024 ** 3)
  const query = { cwd, path: 'huge' }
  const refused = await content(service, query)
  expectError(refused, 413, 'file_too_large')
  expect(refused.json).toMatchObject({ size: 50 * 1024 ** 3, at_most: 16 * 1024 ** 2 })
  expect(refused.headers['content-disposition']).toBeUndefined()
  const end = await content(service, query, { range: 'bytes=-5' })
  expect(end.headers['content-range']).toBe('bytes 53687091195-53687091199/53687091200')
  // A range may be answered with its beginning.
  const most = await content(service, query, { range: 'bytes=0-' })
  expect(most.headers['content-range']).toBe('bytes 0-16777215/53687091200')
  writeFileSync(join(cwd, 'huge'), 'text\n')
  truncateSync(join(cwd, 'huge'), 9000)
  expectError(await content(service, { ...query, lines: '1-1' }), 400, 'bad_request')
  writeFileSync(join(cwd, 'huge'), `${'x'.repeat(9000)}\n`.repeat(8000))
  expectError(await content(service, { ...query, lines: '1-7000' }), 413, 'file_too_large')
  expectError(await content(service, { ...query, lines: '7990-7991' }), 413, 'file_too_large')
})

test('what is not there, or is something else, is said in a sentence', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  mkdirSync(join(cwd, 'sub'))
  writeFileSync(join(cwd, 'file'), '')
  symlinkSync('loop', join(cwd, 'loop'))
  expectError(await content(service, { cwd, path: 'nope' }), 404, 'path_unknown')
  expectError(await content(service, { cwd, path: 'file/x' }), 404, 'path_unknown')
  expectError(await content(service, { cwd, path: 'loop' }), 404, 'path_unknown')
  expectError(await content(service, { cwd, path: 'x'.repeat(300) }), 404, 'path_unknown')
  expectError(await content(service, { cwd, path: 'sub' }), 400, 'bad_request')
  expectError(await list(service, { cwd, path: 'file' }), 400, 'bad_request')
  expectError(await content(service, { cwd, path: '/etc/passwd' }), 400, 'bad_request')
  expectError(await content(service, { cwd, path: 'a\0b' }), 400, 'bad_request')
  expectError(await list(service, { cwd: join(cwd, 'nope') }), 400, 'bad_request')
  expectError(await list(service, { cwd, limit: '0' }), 400, 'bad_request')
  expect(service.complaints).toEqual([])
})
