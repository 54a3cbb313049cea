import { expect, test } from 'vitest'
import { call, replay, stream, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { interrupt, postStream, queueOf, resultsOf, runIdOf } from './calls.ts'
import { expectError } from './expectations.ts'

/** Requests that come twice. */

test('a request that is sent again is its run again, from its first event or from where the reader is', async () => {
  await using service = await startTestService()
  const place = { conversation_id: 'once', cwd: service.folder() }
  const before = await streamAll(service.base, { ...place, text: 'before' })
  const body = { ...place, text: 'do it', client_message_id: 'message-1' }
  const first = await streamAll(service.base, body, before.length)
  const again = await stream(service.base, body)
  expect(again.headers['x-proxy-outcome']).toBe('repeated')
  expect(await again.ended).toEqual(first)
  expect(await streamAll(service.base, body, before.length + 2)).toEqual(first.slice(2))
  await service.restart()
  expect(await streamAll(service.base, body)).toEqual(first)
  expect(resultsOf(await replay(service.base, 'once'))).toHaveLength(2)
})

test('while the run goes on, too, and from many at once', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'many', cwd: service.folder(), text: '@hang', client_message_id: 'm' }
  const streams = await Promise.all(Array.from({ length: 10 }, () => stream(service.base, body)))
  expect(new Set(streams.map(runIdOf)).size).toBe(1)
  await interrupt(service, 'many')
  const [first, ...others] = await Promise.all(streams.map(({ ended }) => ended))
  for (const one of others) expect(one).toEqual(first)
  expect(await replay(service.base, 'many')).toEqual(first)
})

test('a key that was used for another request is refused, and changes nothing', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'reused', cwd: service.folder(), text: 'one', client_message_id: 'k' }
  const first = await streamAll(service.base, body)
  for (const other of [{ text: 'two' }, { model: 'm' }, { when_busy: 'queue' }, { conversation_id: 'other' }])
    expectError(await postStream(service, { ...body, ...other }), 409, 'idempotency_key_reused')
  expect(await replay(service.base, 'reused')).toEqual(first)
  // In another folder it is another key.
  await streamAll(service.base, { ...body, conversation_id: 'elsewhere', cwd: service.folder() })
})

test('what was refused may be tried again with the same key', async () => {
  await using service = await startTestService()
  const place = { conversation_id: 'refused', cwd: service.folder() }
  const running = await stream(service.base, { ...place, text: '@hang' })
  const body = { ...place, text: 'mine', client_message_id: 'k' }
  expectError(await postStream(service, body), 409, 'conversation_already_running')
  await interrupt(service, 'refused')
  const { length } = await running.ended
  expect((await streamAll(service.base, body, length)).at(-1)?.event).toMatchObject({ is_error: false })
})

test('what was queued is queued once, and what joined a run is that run later', async () => {
  await using service = await startTestService()
  const place = { conversation_id: 'queued', cwd: service.folder() }
  await stream(service.base, { ...place, text: '@hang' })
  const joining = { ...place, text: '@hang', client_message_id: 'joins' }
  const joined = await stream(service.base, joining)
  const body = { ...place, text: 'mine', when_busy: 'queue', client_message_id: 'k' }
  const waiting = await stream(service.base, body)
  const again = await stream(service.base, body)
  expect(runIdOf(again)).toBe(runIdOf(waiting))
  expect(await queueOf(service, 'queued')).toHaveLength(1)
  await interrupt(service, 'queued')
  expect(await again.ended).toEqual(await waiting.ended)
  expect(await streamAll(service.base, joining)).toEqual(await joined.ended)
  expect(resultsOf(await replay(service.base, 'queued'))).toHaveLength(2)
})

test('the key is a header as well; two that differ, and bad ones, are refused', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'header', cwd: service.folder(), text: 'hello' }
  const send = (key: string, more = {}) => postStream(service, { ...body, ...more }, { 'idempotency-key': key })
  const first = await send('a')
  expect(first.status).toBe(200)
  expect((await send('a')).text).toBe(first.text)
  expect((await postStream(service, { ...body, client_message_id: 'a' })).text).toBe(first.text)
  expectError(await send('a', { client_message_id: 'b' }), 400, 'bad_request')
  for (const bad of ['', ' ', 'a b', 'x'.repeat(256)]) expectError(await send(bad), 400, 'bad_request')
  expectError(await postStream(service, { ...body, client_message_id: '' }), 400, 'bad_request')
  expect((await call(`${service.base}/v1/conversations/header/events`)).text.trim().split('\n')).toHaveLength(4)
})
