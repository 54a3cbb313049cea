import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Answer, call, type Received, replay, type Stream, stream } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { atPrompt, interrupt, post, queueOf, runIdOf } from './calls.ts'

const wants = fc.constantFrom('reject', 'queue', 'queue', 'steer', 'interrupt')
const step = fc.oneof(
  fc.record({
    do: fc.constant('prompt' as const),
    text: fc.constantFrom('hello', '@hang', '@load n=20 rate=2000'),
    wants,
  }),
  fc.record({ do: fc.constantFrom('edit', 'move', 'cancel', 'steer'), which: fc.nat(9) }),
  fc.record({ do: fc.constantFrom('stop', 'stop', 'stop all', 'wait') }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

test('whatever clients do, in whatever order, each prompt has one outcome, each run one end, and nothing hangs', async () => {
  await using service = await startTestService()
  let walks = 0
  // fast-check prints the seed of a failure
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const id = `walk-${++walks}`
      const place = { conversation_id: id, cwd: service.folder() }
      const streams: Stream[] = []
      const answers: Promise<Answer | undefined>[] = []
      for (const [n, each] of steps.entries()) {
        const done = take(each, n).catch((error: { status?: number }) => {
          // Refused is an answer, too.
          if (error.status !== 409) throw error
          return undefined
        })
        answers.push(done)
        if (n % 3 === 0) await done
      }
      for (const answer of await Promise.all(answers)) if (answer) expect([200, 404, 409]).toContain(answer.status)
      // What steers may fall back to the queue while it is emptied.
      const isAtRest = async () => {
        const { json } = await interrupt(service, id, 'all')
        return json?.['error'] === 'conversation_unknown' || JSON.stringify(json?.['stopped']).includes('null')
      }
      await expect.poll(async () => (await isAtRest()) && (await isAtRest()), { timeout: 10_000 }).toBe(true)
      const ends = await Promise.all(streams.map(({ ended }) => ended))
      if (ends.length === 0) return
      expect(await queueOf(service, id)).toEqual([])
      const log = await replay(service.base, id)
      expect(log.filter(({ event }) => event.type === 'result')).toHaveLength(log.filter(isBeginning).length)
      for (const one of streams) if (one.headers['x-proxy-outcome'] !== 'begun') expectOneOutcome(log, runIdOf(one))

      async function take(each: Step, n: number): Promise<Answer | undefined> {
        if (each.do === 'prompt') {
          streams.push(await stream(service.base, { ...place, text: each.text, when_busy: each.wants }))
          return undefined
        }
        if (each.do === 'wait') return call(`${service.base}/v1/conversations/${id}/queue`)
        if (each.do === 'stop' || each.do === 'stop all')
          return interrupt(service, id, each.do === 'stop' ? 'turn' : 'all')
        const one = 'which' in each ? streams[each.which] : undefined
        if (!one) return undefined
        if (each.do === 'cancel') return atPrompt(service, 'DELETE', runIdOf(one))
        if (each.do === 'steer') return post(service, `/v1/queue/${runIdOf(one)}/steer`, {})
        return atPrompt(service, 'PATCH', runIdOf(one), each.do === 'edit' ? { text: `edited ${n}` } : { position: 1 })
      }
    }),
    { numRuns: 25 },
  )
  expect(service.complaints).toEqual([])
})

function isBeginning({ event }: Received): boolean {
  return event.type === 'user' && event['steer'] === undefined && JSON.stringify(event).includes('"text"')
}

/** It has become a run, part of one, or nothing. A run that others joined has no prompt that waited. */
function expectOneOutcome(log: readonly Received[], prompt: string): void {
  const own = log.filter(({ event }) => event['prompt_id'] === prompt)
  if (own.length === 0) return
  const ends = own.filter(
    (received) =>
      isBeginning(received) || ['prompt_cancelled', 'prompt_steered'].includes(String(received.event.subtype)),
  )
  expect({ prompt, ends: ends.length }).toEqual({ prompt, ends: 1 })
}
