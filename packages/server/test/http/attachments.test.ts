import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ModelBlock } from '@claude-proxy/scripted-model/request'
import { stream, streamAll } from '../support/client.ts'
import { pdf, png } from '../support/files.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { decide, marksOf, questionOf, runIdOf, textsOf, uploaded } from './calls.ts'

/** What the real Claude Code makes of attachments: what the Messages API gets. */

/** All pictures and documents of the newest request, in order. */
function sent({ model }: TestService) {
  const messages = model?.requests().findLast(({ isSubagent }) => !isSubagent)?.messages ?? []
  return messages.flatMap(({ blocks }) => blocks).filter(isFile)
}

function isFile(block: ModelBlock): block is Extract<ModelBlock, { type: 'image' | 'document' }> {
  return block.type === 'image' || block.type === 'document'
}

test('an image, a PDF and a text arrive as blocks, with their names, before the words', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const [picture, text] = [png(7, 7), 'größe 💥\n']
  const attachments = [
    { upload_id: await uploaded(service, picture, 'a.png') },
    { name: 'b.pdf', data: pdf().toString('base64') },
    { name: 'c.txt', data: Buffer.from(text).toString('base64') },
  ]
  const body = { conversation_id: 'blocks', cwd: service.folder(), text: '@say Seen.', attachments }
  const received = await streamAll(service.base, body)
  expect(textsOf(received).join()).toContain('Seen.')
  expect(sent(service)).toEqual([
    { type: 'image', mediaType: 'image/png', data: picture.toString('base64'), title: '' },
    { type: 'document', mediaType: 'application/pdf', data: pdf().toString('base64'), title: 'b.pdf' },
    { type: 'document', mediaType: 'text/plain', data: text, title: 'c.txt' },
  ])
})

test.each([
  ['an image', png()],
  ['a PDF', pdf()],
  ['a text', Buffer.from('hello')],
])('%s alone is a prompt', async (_, bytes) => {
  await using service = await startTestService({ agent: 'claude' })
  const attachments = [{ data: bytes.toString('base64') }]
  const received = await streamAll(service.base, { conversation_id: 'alone', cwd: service.folder(), attachments })
  expect(received[0]?.event['message']).toEqual({ role: 'user', content: [{ type: 'text', text: '' }] })
  expect(received.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  expect(sent(service)).toHaveLength(1)
})

test.each(['By this map.', undefined])(
  'a picture that comes with a prompt that steers (%s) is in the turn that is under way',
  async (text) => {
    await using service = await startTestService({ agent: 'claude' })
    const { place, running, goOn } = await runThatAsks(service)
    const picture = png(9, 9)
    const attachments = [{ name: 'map.png', data: picture.toString('base64') }]
    const steering = await stream(service.base, { ...place, text, when_busy: 'steer', attachments })
    expect(steering.headers['x-proxy-outcome']).toBe('steering')
    const told = await running.until(({ event }) => event['steer'] === true)
    expect(marksOf(told)).toMatchObject([{ name: 'map.png' }])
    await goOn()
    const seen = await running.ended
    expect(seen.some(({ event }) => event.subtype === 'prompt_steered')).toBe(true)
    expect(sent(service)).toMatchObject([{ type: 'image', data: picture.toString('base64') }])
  },
)

test('a document waits for a run of its own: the agent would lose it on the way into its turn', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const { place, running, goOn } = await runThatAsks(service)
  const attachments = [{ name: 'map.pdf', data: pdf().toString('base64') }]
  const waiting = await stream(service.base, { ...place, text: '@say Seen.', when_busy: 'steer', attachments })
  expect(waiting.headers['x-proxy-outcome']).toBe('queued')
  const promoted = await fetch(`${service.base}/v1/queue/${runIdOf(waiting)}/steer`, { method: 'POST' })
  expect(await promoted.json()).toMatchObject({ state: 'queued', attachments: [{ name: 'map.pdf' }] })
  await goOn()
  await running.ended
  expect((await waiting.ended).at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  expect(sent(service)).toMatchObject([{ type: 'document', title: 'map.pdf' }])
})

test('a prompt whose file is gone from the disk ends with an error that says so, and the next one works', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const { place, running, goOn } = await runThatAsks(service)
  const upload = await uploaded(service, pdf(), 'map.pdf')
  const attachments = [{ upload_id: upload }]
  const waiting = await stream(service.base, { ...place, text: '@say Seen.', when_busy: 'queue', attachments })
  rmSync(join(service.dataDir, 'attachments', upload))
  await goOn()
  const seen = await waiting.ended
  expect(seen.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/cannot be read.*ENOENT/) })
  const head = (await running.ended).length + seen.length
  expect((await streamAll(service.base, { ...place, text: '@say Here.' }, head)).at(-1)?.event).toMatchObject({
    is_error: false,
  })
})

/** A run that waits for an answer, and goes on with its turn when it has it. */
async function runThatAsks(service: TestService) {
  const place = { conversation_id: 'steer', cwd: service.folder() }
  const running = await stream(service.base, { ...place, text: '@bash touch gate\n@say Done.' })
  const question = await questionOf(running)
  const goOn = () => decide(service, place.conversation_id, place.cwd, question, { behavior: 'allow' })
  return { place, running, goOn }
}

test('a later prompt, and a session that is resumed after a restart, still have them', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const place = { conversation_id: 'later', cwd: service.folder() }
  const attachments = [{ name: 'b.pdf', data: pdf().toString('base64') }]
  const first = await streamAll(service.base, { ...place, text: '@say One.', attachments })
  await service.restart()
  await streamAll(service.base, { ...place, text: '@say Two.' }, first.length)
  expect(sent(service)).toMatchObject([{ type: 'document', title: 'b.pdf' }])
})
