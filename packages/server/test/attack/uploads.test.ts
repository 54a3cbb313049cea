import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { newWorld, PATIENCE, runToEnd } from '../e2e/program.ts'
import { download, postStream, upload, uploaded } from '../http/calls.ts'
import { expectError } from '../http/expectations.ts'
import { call, streamAll } from '../support/client.ts'
import { gif, jpeg, png, webp } from '../support/files.ts'
import { rawPost, sendRaw } from '../support/raw.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** What a stranger may send as a file, and what may lie where the files are. */

const filesOf = ({ dataDir }: TestService) => readdirSync(join(dataDir, 'attachments'))
const PAGE = '<!doctype html><script>fetch("/v1/conversations")</script>'
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

test.each([
  ['a page called a picture', PAGE, 'cat.png', 'image/png'],
  ['a page', PAGE, 'index.html', 'text/html'],
  ['a drawing that is a program', SVG, 'cat.svg', 'image/svg+xml'],
  ['a program', 'alert(1)', 'x.js', 'text/javascript'],
  ['a style', 'body{background:url(//evil.example)}', 'x.css', 'text/css'],
])('%s is given back as bytes to save, never as what it could do', async (_, content, name, type) => {
  await using service = await startTestService()
  const { json } = await upload(service, content, name, { 'content-type': type })
  expect(json).toMatchObject({ media_type: 'text/plain', name })
  const { headers } = await download(service, String(json?.['upload_id']))
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': expect.stringMatching(/^attachment;/),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
  })
})

test('a picture that is also a page is given back as a picture that no browser reads as a page', async () => {
  await using service = await startTestService()
  for (const polyglot of [png(4, 4, Buffer.from(PAGE)), Buffer.concat([gif(), Buffer.from(PAGE)])]) {
    const { headers } = await download(service, await uploaded(service, polyglot, 'index.html'))
    expect(headers.get('content-type')).toMatch(/^image\/(png|gif)$/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain('sandbox')
  }
})

test('names that lead elsewhere, or that show as something else, are refused', async () => {
  await using service = await startTestService()
  const names = ['../x', '/etc/passwd', 'a/b', 'a\\b', '..', '.', 'a\0b', 'a\r\nX-Injected: 1', 'a\u001b[31m']
  names.push('exe.\u202egnp', 'a\u2028b', ' ', 'x'.repeat(256))
  for (const name of names) {
    expectError(await upload(service, 'hello', name), 400, 'bad_request', { message: expect.stringMatching(/^name /) })
    const attachments = [{ name, data: 'aGk=' }]
    const body = { conversation_id: 'names', cwd: service.folder(), text: 'Look.', attachments }
    expectError(await postStream(service, body), 400, 'bad_request')
  }
  const url = `${service.base}/v1/uploads?name=`
  for (const name of ['%ff', '%', '%C0%AF']) expect((await call(url + name, { method: 'POST' })).status).toBe(400)
  expect(filesOf(service)).toEqual([])
})

test('names that could end a header stay inside it', async () => {
  await using service = await startTestService()
  for (const name of ['a"; filename="b.html', "a'b", 'a%0d%0ab', 'größe 💥.png', 'a;b,c=d', '-rf', 'a*(b)']) {
    const { headers } = await download(service, await uploaded(service, 'hello', name))
    const disposition = headers.get('content-disposition') ?? ''
    const [, plain = '', exact = ''] =
      /^attachment; filename="([\x20-\x7e]*)"; filename\*=UTF-8''([\w.!~%-]*)$/.exec(disposition) ?? []
    expect(plain).not.toMatch(/["\\%]/)
    expect(decodeURIComponent(exact)).toBe(name)
  }
})

test('pictures that would cost the agent more than it may spend are refused by their header', async () => {
  await using service = await startTestService()
  for (const bytes of [png(10_000, 10_000), jpeg(65_535, 65_535), gif(65_535, 1), webp(16_777_216, 16_777_216)])
    expectError(await upload(service, bytes), 400, 'bad_request', {
      message: expect.stringMatching(/^The upload is \d+ × \d+ pixels: an image may have at most 8000 on a side\.$/),
    })
  expect(filesOf(service)).toEqual([])
})

test('pages of strangers can upload nothing and see nothing', async () => {
  await using service = await startTestService()
  const id = await uploaded(service, 'secret')
  const cross = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', Connection: 'close' }
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'image/png',
  ])
    expect((await sendRaw(service.base, rawPost('/v1/uploads', 'x', { ...cross, 'Content-Type': type }))).status).toBe(
      403,
    )
  // As an <img> asks: without an Origin.
  const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
  const answer = await call(`${service.base}/v1/uploads/${id}`, { headers: image })
  expect(answer.status).toBe(403)
  expect(answer.text).not.toContain('secret')
})

test('an upload that is cut, or that never goes on, leaves nothing when its connection is gone', async () => {
  await using service = await startTestService()
  const { hostname, port } = new URL(service.base)
  const sockets = await Promise.all(
    Array.from({ length: 5 }, async (_, n) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      const framing = n % 2 ? 'Transfer-Encoding: chunked\r\n\r\nffff\r\n' : 'Content-Length: 100000\r\n\r\n'
      socket.write(`POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\n${framing}${'x'.repeat(5000)}`)
      return socket
    }),
  )
  await expect.poll(() => filesOf(service).length, PATIENCE).toBe(5)
  for (const name of filesOf(service)) expect(name).toMatch(/^[0-9a-f]{32}\.part$/)
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => filesOf(service), PATIENCE).toEqual([])
  expect(service.complaints).toEqual([])
})

test('links and other things among the files lead nowhere, and are removed only where they have our names', async () => {
  await using service = await startTestService()
  const secret = join(dirname(service.dataDir), 'secret')
  writeFileSync(secret, 'secret')
  const id = await uploaded(service, 'hello')
  const attachments = [{ upload_id: id }]
  await streamAll(service.base, { conversation_id: 'links', cwd: service.folder(), text: 'Look.', attachments })
  const at = (name: string) => join(service.dataDir, 'attachments', name)
  const [unknown, torn] = ['a'.repeat(32), `${'b'.repeat(32)}.part`]
  await service.pause(async () => {
    for (const name of [unknown, torn, 'notes']) symlinkSync(secret, at(name))
    mkdirSync(at('folder'))
    // What is kept is replaced by a link, too.
    renameSync(at(id), at('was'))
    symlinkSync(secret, at(id))
  })
  await expect.poll(() => filesOf(service).sort(), PATIENCE).toEqual([id, 'folder', 'notes', 'was'].sort())
  expect(readFileSync(secret, 'utf8')).toBe('secret')
  const given = await download(service, id)
  expect(given.status).toBe(503)
  expect(given.content.toString()).not.toContain('"secret"')
  await call(`${service.base}/v1/conversations/links`, { method: 'DELETE' })
  expect(existsSync(at(id))).toBe(false)
  expect(readFileSync(secret, 'utf8')).toBe('secret')
})

test('a service whose attachments would lie elsewhere does not start, and says so', async () => {
  const world = await newWorld()
  const elsewhere = world.folder('elsewhere')
  mkdirSync(world.dataDir, { mode: 0o700 })
  symlinkSync(elsewhere, join(world.dataDir, 'attachments'))
  const { code, stderr } = await runToEnd(world, ['--port', '0', '--agent', 'scripted', '--data-dir', world.dataDir])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^claude-proxy: [^\n]*attachments has to be a directory[^\n]*\n$/)
})
