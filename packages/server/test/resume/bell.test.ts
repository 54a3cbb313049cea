import { expect, test } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../src/core/log/bell.ts'
import type { Bell } from '../../src/core/ports/outside.ts'
import { interrupt, post, questionOf, resultsOf, textsOf } from '../http/calls.ts'
import { expectInterrupted } from '../http/contract/interrupts.ts'
import { call, type Received, replay, stream, type Stream, watch } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** The whole service with a bell that does not do what a bell should: it may only cost time. */

/** The service looks by itself every two seconds. Longer is allowed here: the machine may be busy. */
const SOON_MS = 10_000

const nobody: Disposable = { [Symbol.dispose]() {} }

const BELLS: Record<string, () => Bell> = {
  'never rings': () => ({ ring() {}, listen: () => nobody, listenAll: () => nobody }),
  'rings twice': () => {
    const bell = createBell()
    return { ...bell, ring: (id) => [1, 2].forEach(() => bell.ring(id)) }
  },
  'rings late, and out of order': () => {
    const bell = createBell()
    let rings = 0
    return { ...bell, ring: (id) => void setTimeout(() => bell.ring(id), [900, 30, 400][rings++ % 3]).unref() }
  },
  'rings for all conversations but the one that has grown': () => {
    const bell = createBell()
    const known = new Set<ConversationId>()
    return {
      ring: (id) => known.forEach((other) => other !== id && bell.ring(other)),
      listen: (id, wake) => bell.listen(known.add(id) && id, wake),
      listenAll: (wake) => bell.listenAll(wake),
    }
  },
}

test.concurrent.each(Object.entries(BELLS))(
  'with a bell that %s, every door delivers everything, and nothing waits for ever',
  async (_, bell) => {
    await using service = await startTestService({ bell: bell() })
    await Promise.all(['left', 'right'].map((id) => live(service, id)))
    expect(service.complaints).toEqual([])
  },
)

test('with a bell that never rings, a real agent is asked, answered, and comes to its end', async () => {
  await using service = await startTestService({ agent: 'claude', bell: BELLS['never rings']?.() ?? createBell() })
  const body = { conversation_id: 'real', cwd: service.folder(), text: '@bash touch a.txt\n@end It is there.' }
  const running = await stream(service.base, body)
  await post(service, `/v1/approvals/${await questionOf(running)}`, { behavior: 'allow' })
  const received = await running.ended
  expect(received.at(-1)?.event).toMatchObject({ type: 'result', result: expect.stringContaining('It is there.') })
  expect(received).toEqual(await replay(service.base, 'real'))
})

/** A conversation with all that one waits for: events, a question, a turn in the queue, an end, its deletion. */
async function live(service: TestService, id: string): Promise<void> {
  const body = { conversation_id: id, cwd: service.folder(id) }
  const first = await stream(service.base, { ...body, text: '@load n=300 rate=0 @ask tool=Bash @load n=40 rate=200' })
  const watching = await watch(service.base, id)
  const question = await questionOf(first)
  const attached = await stream(service.base, body, 100)
  const waiting = await stream(service.base, { ...body, text: 'It was my turn.', when_busy: 'queue' })
  await post(service, `/v1/conversations/${id}/messages`, { text: '@hang', when_busy: 'queue' })
  await soon(attached, ({ event }) => event.subtype === 'prompt_queued')

  await post(service, `/v1/approvals/${question}`, { behavior: 'allow' })
  const received = await first.ended
  expect(await attached.ended).toEqual(received.slice(100))
  expect(textsOf(await waiting.ended).at(-1)).toContain('It was my turn.')

  await soon(watching, (each) => textsOf([each], 'user').includes('@hang'))
  const steering = await stream(service.base, { ...body, text: 'to the left', when_busy: 'steer' })
  await soon(steering, ({ event }) => event.subtype === 'prompt_steered')
  await interrupt(service, id)
  expectInterrupted(await steering.ended)
  await soon(watching, () => resultsOf(watching.received).length === 3)

  const truth = await replay(service.base, id)
  expect(watching.received).toEqual(truth)
  expect(received).toEqual(truth.slice(0, received.length))
  await call(`${service.base}/v1/conversations/${id}`, { method: 'DELETE' })
  expect(await watching.ended).toEqual(truth)
}

/** Resolves when the event has come that is about to; rejects when the reader was left waiting. */
async function soon(reader: Stream, fits: (received: Received) => boolean): Promise<void> {
  const late = AbortSignal.timeout(SOON_MS)
  const isLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () =>
      reject(new Error(`nobody was woken after event ${reader.received.at(-1)?.id}`)),
    )
  })
  await Promise.race([reader.until(fits), isLate])
}
