import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, replay, stream, streamAll } from '../support/client.ts'
import { jpeg, pdf, png } from '../support/files.ts'
import { sendRaw } from '../support/raw.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { newToken } from '../support/tokens.ts'
import { download, events, interrupt, marksOf, post, postStream, runIdOf, textsOf, upload, uploaded } from './calls.ts'
import { expectError } from './expectations.ts'

/** The doors for files, and what prompts do with them. */

const base64 = (text: string) => Buffer.from(text).toString('base64')
const filesOf = ({ dataDir }: TestService) => readdirSync(join(dataDir, 'attachments'))

test('an upload is answered with what it is, whatever its client calls it, and given back byte for byte', async () => {
  await using service = await startTestService()
  const photo = jpeg(640, 480)
  const { status, json } = await upload(service, photo, 'photo.png', { 'content-type': 'image/png' })
  expect(status).toBe(200)
  expect(json).toEqual({
    upload_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    name: 'photo.png',
    media_type: 'image/jpeg',
    bytes: photo.length,
    width: 640,
    height: 480,
    expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  const id = String(json?.['upload_id'])
  const given = await download(service, id)
  expect(given.content).toEqual(photo)
  expect(Object.fromEntries(given.headers)).toMatchObject({
    'content-type': 'image/jpeg',
    'content-length': String(photo.length),
    'content-disposition': `inline; filename="photo.png"; filename*=UTF-8''photo.png`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': 'private, max-age=31536000, immutable',
    etag: `"${id}"`,
  })
})

test('what is given back can be asked for by its head, in part, and only if it is not there yet', async () => {
  await using service = await startTestService()
  const id = await uploaded(service, '0123456789')
  const url = `${service.base}/v1/uploads/${id}`
  expect(await call(url, { method: 'HEAD' })).toMatchObject({
    status: 200,
    text: '',
    headers: { 'content-length': '10' },
  })
  expect((await download(service, id, { 'if-none-match': `"${id}"` })).status).toBe(304)
  for (const [range, content, where] of [
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=8-', '89', 'bytes 8-9/10'],
    ['bytes=8-999', '89', 'bytes 8-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-999', '0123456789', 'bytes 0-9/10'],
  ] as const) {
    const part = await download(service, id, { range })
    expect([part.status, part.content.toString(), part.headers.get('content-range')]).toEqual([206, content, where])
  }
  for (const range of ['bytes=4-2', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,3-4'])
    expect(await download(service, id, { range })).toMatchObject({ status: 200, content: Buffer.from('0123456789') })
  expect(await download(service, id, { range: 'bytes=0-1', 'if-range': '"other"' })).toMatchObject({ status: 200 })
  for (const range of ['bytes=10-', 'bytes=-0']) {
    const beyond = await download(service, id, { range })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10'])
  }
})

test('what cannot be attached is refused with a sentence, and nothing of it is left', async () => {
  await using service = await startTestService({ config: { maxAttachmentBytes: 1000 } })
  expectError(await upload(service, ''), 400, 'bad_request', { message: 'The upload is empty.' })
  const unmeasured = await sendRaw(
    service.base,
    'POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  expect([unmeasured.status, unmeasured.body.toString()]).toEqual([
    400,
    expect.stringContaining('The upload is empty.'),
  ])
  expectError(await upload(service, Buffer.from('PK\x03\x04'), 'a.zip'), 415, 'unsupported_media_type')
  expectError(await upload(service, 'x'.repeat(1001)), 413, 'payload_too_large')
  expectError(
    await upload(service, 'x'.repeat(1001), 'a', { 'transfer-encoding': 'chunked' }),
    413,
    'payload_too_large',
  )
  expectError(await upload(service, png(9000, 1), 'wide.png'), 400, 'bad_request', {
    message: 'wide.png is 9000 × 1 pixels: an image may have at most 8000 on a side.',
  })
  const form = { 'content-type': 'multipart/form-data; boundary=x' }
  expectError(await upload(service, 'x', 'a', form), 415, 'unsupported_media_type')
  // A browser calls a form one by itself; curl calls everything so.
  const urlencoded = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  expectError(await upload(service, 'x', 'a', { ...urlencoded, origin: service.base }), 415, 'unsupported_media_type')
  expect(filesOf(service)).toEqual([])
  expect((await upload(service, 'x', 'a', urlencoded)).status).toBe(200)
  expect(await uploaded(service, 'x'.repeat(1000))).toMatch(/./)
  expect(service.complaints).toEqual([])
})

test('a prompt that is refused for what it brings changes nothing', async () => {
  await using service = await startTestService({ config: { maxAttachments: 2, maxAttachmentBytes: 100 } })
  const body = { conversation_id: 'refused', cwd: service.folder(), text: 'Look.' }
  const unknown = '0'.repeat(32)
  const id = await uploaded(service, 'x'.repeat(60))
  for (const [attachments, status, code, message] of [
    [[{ upload_id: unknown }], 404, 'upload_unknown', /no upload/],
    [[{ data: 'aGVsbG8' }], 400, 'bad_request', /^attachments\.0\.data is not base64\.$/],
    [[{ data: 'aGVsbG8=\n' }], 400, 'bad_request', /not base64/],
    [[{ data: 'data:image/png;base64,aGVsbG8=' }], 400, 'bad_request', /not base64/],
    [[{ upload_id: id }, { data: base64('\0') }], 415, 'unsupported_media_type', /^attachments\.1 cannot/],
    [[{ name: 'a.txt', data: base64('\0') }], 415, 'unsupported_media_type', /^a\.txt cannot/],
    [[{ data: base64('a') }, { data: base64('b') }, { data: base64('c') }], 400, 'bad_request', /At most 2/],
    [[{ upload_id: id }, { data: base64('x'.repeat(60)) }], 413, 'payload_too_large', /together/],
    [[{}], 400, 'bad_request', /upload_id/],
    [[{ upload_id: '../../x' }], 400, 'bad_request', /./],
    ['x', 400, 'bad_request', /^attachments has to be of type array\.$/],
  ] as const)
    expectError(await postStream(service, { ...body, attachments }), status, code, {
      message: expect.stringMatching(message),
    })
  expectError(await events(service, 'refused'), 404, 'conversation_unknown')
  expect(filesOf(service)).toEqual([id])
})

test('a prompt that is refused because its folder is busy leaves no file', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'busy', cwd: service.folder() }
  await stream(service.base, { ...body, text: '@hang' })
  const refused = await postStream(service, { ...body, text: 'Look.', attachments: [{ data: base64('hello') }] })
  expectError(refused, 409, 'conversation_already_running')
  expect(filesOf(service)).toEqual([])
})

test('the same words with the same files are the run that goes on, with others they are another prompt', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'same', cwd: service.folder(), text: '@hang' }
  const attachments = [{ data: base64('one') }]
  const running = await stream(service.base, { ...body, attachments })
  const again = await stream(service.base, { ...body, attachments: [{ upload_id: await uploaded(service, 'one') }] })
  expect(again.headers['x-proxy-outcome']).toBe('attached')
  for (const other of [[{ data: base64('two') }], [], [...attachments, ...attachments]])
    expectError(await postStream(service, { ...body, attachments: other }), 409, 'conversation_already_running')
  await interrupt(service, 'same')
  expect(await again.ended).toEqual(await running.ended)
})

test('a request that comes twice under one key is one run, whichever way its files come; other files are refused', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'once', cwd: service.folder(), text: 'Look.', client_message_id: 'k' }
  const first = await streamAll(service.base, { ...body, attachments: [{ name: 'a', data: base64('one') }] })
  const files = filesOf(service)
  for (const same of [{ name: 'a', data: base64('one') }, { upload_id: await uploaded(service, 'one', 'a') }])
    expect(await streamAll(service.base, { ...body, attachments: [same] })).toEqual(first)
  for (const attachments of [undefined, [{ name: 'a', data: base64('two') }], [{ name: 'b', data: base64('one') }]])
    expectError(await postStream(service, { ...body, attachments }), 409, 'idempotency_key_reused')
  expect(filesOf(service)).toHaveLength(files.length + 1)
  expect(await replay(service.base, 'once')).toEqual(first)
})

test('files alone are a prompt at both doors; nothing at all is none', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const attachments = [{ name: 'a.pdf', data: pdf().toString('base64') }]
  const received = await streamAll(service.base, { conversation_id: 'alone', cwd, attachments })
  expect(textsOf(received)[0]).toBe(`Attached: a.pdf (application/pdf, ${pdf().length} bytes)`)
  const path = '/v1/conversations/alone/messages'
  expect(await post(service, path, { text: ' ', attachments })).toMatchObject({ status: 202 })
  for (const body of [{}, { text: ' ' }, { attachments: [] }, { text: '', attachments: [] }])
    expectError(await post(service, path, body), 400, 'bad_request', { message: /^text must not be blank/ })
})

test('what comes with a prompt that steers, or interrupts, comes with it', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'steer', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@hang' })
  await running.until(({ event }) => event.subtype === 'init')
  const steering = await stream(service.base, {
    ...body,
    text: 'By this.',
    when_busy: 'steer',
    attachments: [{ name: 'map.txt', data: base64('left') }],
  })
  expect(steering.headers['x-proxy-outcome']).toBe('steering')
  const told = await running.until(({ event }) => event['steer'] === true)
  expect(marksOf(told)).toMatchObject([{ name: 'map.txt' }])
  await running.until((each) => textsOf([each])[0] === 'Attached: map.txt (text/plain, 4 bytes)')
  const instead = await stream(service.base, {
    ...body,
    text: 'Or that.',
    when_busy: 'interrupt',
    attachments: [{ upload_id: await uploaded(service, 'right', 'other.txt') }],
  })
  const seen = await instead.ended
  expect(textsOf(seen)).toContain('Attached: other.txt (text/plain, 5 bytes)')
  const begun = seen.find(({ event }) => event.type === 'user' && event['prompt_id'] === runIdOf(instead))
  expect(begun && marksOf(begun)).toMatchObject([{ name: 'other.txt' }])
})

test('what two conversations refer to stays as long as one of them', async () => {
  await using service = await startTestService()
  const id = await uploaded(service, 'shared')
  for (const name of ['one', 'two'])
    await streamAll(service.base, {
      conversation_id: name,
      cwd: service.folder(),
      text: 'Look.',
      attachments: [{ upload_id: id }, { data: base64('own') }],
    })
  expect(filesOf(service)).toHaveLength(3)
  await call(`${service.base}/v1/conversations/one`, { method: 'DELETE' })
  expect(filesOf(service)).toHaveLength(2)
  expect((await download(service, id)).content.toString()).toBe('shared')
  await call(`${service.base}/v1/conversations/two`, { method: 'DELETE' })
  expect(filesOf(service)).toEqual([])
  const again = { conversation_id: 'three', cwd: service.folder(), text: 'Look.', attachments: [{ upload_id: id }] }
  expectError(await postStream(service, again), 404, 'upload_unknown', { upload_id: id })
})

test('more than may lie unused is refused, until some of it is used', async () => {
  await using service = await startTestService({ config: { maxUnusedBytes: 1000, maxAttachmentBytes: 900 } })
  const id = await uploaded(service, 'x'.repeat(600))
  expectError(await upload(service, 'x'.repeat(600)), 409, 'uploads_full')
  await uploaded(service, 'x'.repeat(400))
  expectError(await upload(service, 'x'), 409, 'uploads_full')
  const attachments = [{ upload_id: id }]
  await streamAll(service.base, { conversation_id: 'use', cwd: service.folder(), text: 'Look.', attachments })
  await uploaded(service, 'x'.repeat(600))
})

test('a token that has used up its share leaves the others theirs, until all together have too much', async () => {
  await using service = await startTestService({ config: { maxUnusedBytes: 1000, maxAttachmentBytes: 900 } })
  const large = 'x'.repeat(900)
  for (let n = 0; n < 4; n++) {
    const { headers } = await newToken(service)
    expect((await upload(service, large, undefined, headers)).status).toBe(200)
    expectError(await upload(service, large, undefined, headers), 409, 'uploads_full')
  }
  expectError(await upload(service, large), 409, 'uploads_full')
  await service.restart()
  const { headers } = await newToken(service)
  expectError(await upload(service, large, undefined, headers), 409, 'uploads_full')
  expect((await upload(service, 'x'.repeat(400), undefined, headers)).status).toBe(200)
  expect(service.complaints).toEqual([])
})

test('a store without files keeps attachments as long as it keeps anything', async () => {
  await using service = await startTestService({ config: { store: 'memory' } })
  const id = await uploaded(service, 'hello', 'a.txt')
  const attachments = [{ upload_id: id }]
  const body = { conversation_id: 'memory', cwd: service.folder(), text: 'Look.', attachments }
  expect(textsOf(await streamAll(service.base, body))[0]).toBe('Attached: a.txt (text/plain, 5 bytes)')
  expect((await download(service, id)).content.toString()).toBe('hello')
  await call(`${service.base}/v1/conversations/memory`, { method: 'DELETE' })
  expect((await download(service, id)).status).toBe(404)
})

test('a message may be nothing but what comes with it', async () => {
  await using service = await startTestService()
  await streamAll(service.base, { conversation_id: 'alone', cwd: service.folder(), text: 'Hello' })
  const attachments = [{ upload_id: await uploaded(service, 'only this', 'a.txt') }]
  const url = `${service.base}/v1/conversations/alone/messages`
  const sent = await call(url, { method: 'POST', body: { attachments } })
  expect(sent).toMatchObject({ status: 202, json: { outcome: 'begun', queue_position: null } })
  await expect
    .poll(async () => (await replay(service.base, 'alone')).filter(({ event }) => event.type === 'result'))
    .toHaveLength(2)
  const prompts = (await replay(service.base, 'alone')).filter(({ event }) => event.type === 'user')
  expect(prompts[1]?.data).toContain('"a.txt"')
})
