import { describe, expect, test } from 'vitest'
import { type Received, replay, type Stream, stream, streamAll } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { activate, interrupt, queueOf, runIdOf, textsOf } from '../calls.ts'
import { expectError, expectWholeRuns } from '../expectations.ts'
import type { Words } from '../words.ts'

/** Somebody stops what goes on. */
export function interruptContract(agent: AgentName, words: Words): void {
  const isWorking = ({ event }: Received) => event.subtype === 'init'

  const moments: [when: string, prompt: string, moment: (running: Stream) => Promise<unknown>][] = [
    ['it starts', words.hang, async () => {}],
    ['it works', words.hang, (running) => running.until(isWorking)],
    ['it waits for an answer', words.ask, (running) => running.until(({ event }) => event.type === 'tool_permission')],
  ]

  describe('an interrupt', () => {
    test.each(moments)('while %s ends the run, which says so; the next prompt runs', async (_, text, moment) => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'stop', cwd: service.folder() }
      const running = await stream(service.base, { ...body, text })
      await moment(running)
      const answer = await interrupt(service, 'stop')
      expect({ status: answer.status, ...answer.json }).toMatchObject({
        status: 200,
        stopped: { run_id: runIdOf(running) },
        still_queued: [],
      })
      const received = await running.ended
      expectWholeRuns(received, 1)
      expectInterrupted(received)
      expect(await interrupt(service, 'stop')).toMatchObject({ status: 200, json: { stopped: { run_id: null } } })
      const next = await streamAll(service.base, { ...body, text: words.say('on we go') }, received.length)
      expectWholeRuns(next, 1, received.length + 1)
      expect(next.at(-1)?.event).toMatchObject({ is_error: false })
    })

    test('leaves the queue to go on; with scope all it empties it, and every prompt has its outcome', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'queue', cwd: service.folder(), when_busy: 'queue' }
      const first = await stream(service.base, { ...body, text: words.hang })
      const second = await stream(service.base, { ...body, text: `${words.hang}\nsecond` })
      const third = await stream(service.base, { ...body, text: words.say('third') })
      expect((await interrupt(service, 'queue', 'turn')).json).toMatchObject({
        stopped: { run_id: runIdOf(first) },
        still_queued: [{ prompt_id: runIdOf(second) }, { prompt_id: runIdOf(third) }],
      })
      expectInterrupted(await first.ended)
      await second.until(({ event }) => event.type === 'user' && event['prompt_id'] === runIdOf(second))
      expect((await interrupt(service, 'queue', 'all')).json).toMatchObject({
        stopped: { run_id: runIdOf(second) },
        cancelled_prompt_ids: [runIdOf(third)],
        still_queued: [],
      })
      expectInterrupted(await second.ended)
      expect((await third.ended).at(-1)?.event).toMatchObject({
        subtype: 'prompt_cancelled',
        prompt_id: runIdOf(third),
      })
      expect(await queueOf(service, 'queue')).toEqual([])
      expect(textsOf(await replay(service.base, 'queue'))).not.toContain('third')
    })

    test('is for a conversation by its own id; one at rest has nothing to stop', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      await activate(service, 'own', cwd)
      for (const scope of [undefined, 'turn', 'all'] as const)
        expect(await interrupt(service, 'own', scope)).toMatchObject({
          status: 200,
          json: { stopped: { run_id: null } },
        })
      expectError(await interrupt(service, 'nobody'), 404, 'conversation_unknown', { conversation_id: 'nobody' })
    })
  })
}

/** The last event says that somebody stopped the run, and nothing else. */
export function expectInterrupted(received: readonly Received[], result = 'Interrupted by user.'): void {
  expect(received.at(-1)?.event).toMatchObject({ type: 'result', subtype: 'interrupted', is_error: true, result })
}
