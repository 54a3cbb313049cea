import { expect, test } from 'vitest'
import { streamAll } from '../support/client.ts'
import { rawPost, sendRaw } from '../support/raw.ts'
import { startTestService } from '../support/service.ts'
import { events, postStream, textsOf } from './calls.ts'

/** Text that breaks readers who split at the wrong places or decode packets one by one. */
const AWKWARD = [
  'Umlauts äöü, a flag 🇨🇿, a family 👨‍👩‍👧, CJK 漢字, a combining e\u0301',
  'line\nfeed, carriage\rreturn, both\r\n, tab\t, backslash \\n, quotes " and \\"',
  'separators \u2028 and \u2029, next line \u0085, no-break space \u00a0, zero width \u200b, BOM \ufeff',
  'controls \u0000\u0001\u0007\u0008\u000b\u000c\u001b\u001f\u007f\u009f, last \uffff',
  'id: 99\ndata: {"type":"result"}\n\n: ping\n\nevent: end',
  '{"type":"result"}\n</script><!-- ]]> %0a %s',
].join('\n\n')

const FRAMES = /^(?:id: \d+\ndata: \{[\x20-\x7e]*\}\n\n)+$/

test('a stream is frames of an id, one line of JSON and an empty line, in ASCII, with bare line feeds', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'frames', cwd: service.folder('Ordner ünd 📁'), text: AWKWARD }
  const answer = await sendRaw(service.base, rawPost('/v1/agent/stream', JSON.stringify(body)))
  const text = answer.body.toString('latin1')
  expect(text).toMatch(FRAMES)
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids).toEqual(ids.map((_, n) => n + 1))
  expect(text).not.toMatch(/^(event|retry):/m)
  expect(answer.headers['content-encoding']).toBeUndefined()
  expect(service.complaints).toEqual([])
})

test('what a frame holds is what was said, character for character', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'characters', cwd: service.folder('Ordner ünd 📁'), text: AWKWARD }
  const received = await streamAll(service.base, body)
  expect(textsOf(received, 'user')).toEqual([AWKWARD])
  expect(textsOf(received)[0]?.endsWith(AWKWARD)).toBe(true)
  expect(received[1]?.event['cwd']).toBe(body.cwd)
})

test('the real agent keeps awkward text, too', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'characters', cwd: service.folder(), text: AWKWARD }
  const answer = await sendRaw(service.base, rawPost('/v1/agent/stream', JSON.stringify(body)))
  expect(answer.body.toString('latin1')).toMatch(FRAMES)
  const received = await streamAll(service.base, { conversation_id: 'characters', cwd: body.cwd }, 0)
  expect(textsOf(received, 'user')).toEqual([AWKWARD])
  // What the agent makes of control characters is its own business.
  expect(textsOf(received).join()).toContain('Umlauts äöü, a flag 🇨🇿, a family 👨‍👩‍👧, CJK 漢字')
})

test('a replay is one line of ASCII for each event, without blank lines', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'lines', cwd: service.folder('ä'), text: AWKWARD }
  const received = await streamAll(service.base, body)
  const { text, headers } = await events(service, 'lines')
  expect(text).toMatch(/^(?:\{[\x20-\x7e]*\}\n)+$/)
  expect(text.match(/\n/g)).toHaveLength(received.length)
  expect(headers['content-length']).toBe(String(text.length))
})

test('a long replay is whole lines, too, however it is cut on its way', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'long', cwd: service.folder(), text: '@load n=3000 rate=0 size=400' }
  const received = await streamAll(service.base, body)
  expect(received).toHaveLength(3003)
  const { text } = await events(service, 'long')
  expect(text).toBe(received.map(({ data }) => `${data}\n`).join(''))
})

test('an error of the stream has its length, no chunks, and ends the connection', async () => {
  await using service = await startTestService()
  const answer = await sendRaw(service.base, rawPost('/v1/agent/stream', '{"conversation_id":"x"}'))
  expect(answer.status).toBe(400)
  expect(answer.headers).toMatchObject({ connection: 'close', 'content-length': String(answer.body.length) })
  expect(answer.headers['transfer-encoding']).toBeUndefined()
  expect(JSON.parse(answer.body.toString())).toMatchObject({ error: 'bad_request', message: 'cwd is required.' })
})

test('names that come back in an error are ASCII on the wire and whole when they are read', async () => {
  await using service = await startTestService()
  const cwd = `${service.folder('földer 📁')}/ä`
  const answer = await postStream(service, { conversation_id: 'x', cwd, text: 'hello' })
  expect(answer.text).toMatch(/^[\x20-\x7e]+$/)
  expect(answer.json?.['message']).toContain(cwd)
})
