import { afterEach, beforeEach, expect, test } from 'vitest'
import { startScriptedModel, type ScriptedModel, type Trouble } from '../src/model.ts'

let model: ScriptedModel

beforeEach(async () => {
  model = await startScriptedModel()
})

afterEach(async () => {
  await model.close()
})

function ask(prompt: string, more: object = {}, { url } = model): Promise<Response> {
  const body = { model: 'm', stream: true, messages: [{ role: 'user', content: prompt }], ...more }
  return fetch(`${url}/v1/messages`, { method: 'POST', body: JSON.stringify(body) })
}

test('a text of a million bytes arrives whole', async () => {
  const response = await ask('@text 1000000\n@end .', { stream: false })
  const text = expect.stringMatching(/^[^]{1000000}\n\n\.$/)
  expect(await response.json()).toMatchObject({ content: [{ type: 'text', text }], stop_reason: 'end_turn' })
})

test('a slow answer comes in pieces', async () => {
  const response = await ask('@slow 5\n@end This text is longer than one piece, so that there is a middle to cut in.')
  const pieces: string[] = []
  for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString())
  expect(pieces.length).toBeGreaterThan(5)
  expect(pieces.at(-1)).toContain('message_stop')
})

test('a thought comes before what is said, and is no text of its own', async () => {
  const response = await ask('@think Hm.\n@end Yes.', { stream: false })
  expect(await response.json()).toMatchObject({
    content: [
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text: 'Yes.' },
    ],
  })
})

test('an answer that is to break does so once, in its middle', async () => {
  const prompt = '@break 3\n@slow 1\n@end This text is longer than one piece, so that there is a middle to cut in.'
  await expect(ask(prompt).then((response) => response.text())).rejects.toThrow('terminated')
  expect(await ask(prompt).then((response) => response.text())).toContain('message_stop')
})

test('an error may say how long to wait', async () => {
  const response = await ask('@status 429 1 7')
  expect(response.headers.get('retry-after')).toBe('7')
})

test('closing does not wait for an answer that never comes', async () => {
  const other = await startScriptedModel()
  const asked = fetch(`${other.url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: '@hang' }] }),
  })
  const failed = expect(asked).rejects.toThrow('fetch failed')
  while (other.requests().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await other.close()
  await failed
})

test.each([401, 429, 529])('an error %i looks like one of the API', async (status) => {
  const response = await ask(`@status ${status}`)
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ type: 'error', error: { type: expect.stringContaining('_error') } })
})

test('any model is there, but for those that say that they are not', async () => {
  expect((await ask('Hello', { model: 'any-model' })).status).toBe(200)
  const response = await ask('Hello', { model: 'no-such-model' })
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: { type: 'not_found_error' } })
})

test.each<[Trouble, RegExp]>([
  ['500', /^500 .*"error"/],
  ['429', /^429 .*rate_limit_error/],
  ['529', /^529 .*overloaded_error/],
  ['garbled', /^200 \{malformed/],
  ['hung up', /^fetch failed$/],
  ['cut', /^terminated$|^200 event: message_start(?!.*message_stop)/s],
])('what is to go wrong goes wrong: %s; the next request is answered', async (trouble, wanted) => {
  const troubles: (Trouble | undefined)[] = [trouble]
  const other = await startScriptedModel({ trouble: () => troubles.shift() })
  const answer = async () => {
    const response = await ask('@text 2000', {}, other)
    return `${response.status} ${await response.text()}`
  }
  expect(await answer().catch((failure: Error) => failure.message)).toMatch(wanted)
  expect(await answer()).toMatch(/^200 event: message_start.*message_stop/s)
  await other.close()
})

test('tokens are counted, other paths are not there, and what is no JSON is refused', async () => {
  const post = (path: string, body: string) => fetch(`${model.url}${path}`, { method: 'POST', body })
  const counted = await post('/v1/messages/count_tokens?beta=true', '{"messages":[]}')
  expect(await counted.json()).toEqual({ input_tokens: 4 })
  expect((await post('/v1/complete', '{}')).status).toBe(404)
  expect((await post('/v1/messages', '{oops')).status).toBe(400)
  expect((await fetch(`${model.url}/api/hello`, { method: 'HEAD' })).status).toBe(404)
})

test('the requests can be looked at', async () => {
  await ask('Hello', { tools: [{ name: 'Bash' }], system: 'Be brief.', metadata: { user_id: 'me' } })
  expect(model.requests()).toMatchObject([
    { model: 'm', userId: 'me', system: 'Be brief.', tools: ['Bash'], isSubagent: false },
  ])
})

test('a prompt without directives may stand for some', async () => {
  const scriptOf = (prompt: string) => (prompt === 'Tidy up' ? '@end It is tidy.' : prompt)
  const other = await startScriptedModel({ scriptOf })
  const answer = async (prompt: string) => (await ask(prompt, { stream: false }, other)).json()
  expect(await answer('Tidy up')).toMatchObject({ content: [{ type: 'text', text: 'It is tidy.' }] })
  expect(await answer('@end As ever.')).toMatchObject({ content: [{ type: 'text', text: 'As ever.' }] })
  await other.close()
})
