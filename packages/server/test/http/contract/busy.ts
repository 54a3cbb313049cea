import { describe, expect, test } from 'vitest'
import { stream, streamAll } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { activate, canonical, decide, events, postStream, questionOf } from '../calls.ts'
import { expectError, expectWholeRuns } from '../expectations.ts'
import type { Words } from '../words.ts'

/** One run at a time works in a folder. */
export function busyContract(agent: AgentName, words: Words): void {
  describe('a busy folder', () => {
    test('refuses another prompt of the same conversation, and its run is not disturbed', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'busy', cwd: service.folder() }
      const running = await stream(service.base, { ...body, text: words.ask })
      const question = await questionOf(running)
      const refused = await postStream(service, { ...body, text: words.say('me too') })
      expectError(refused, 409, 'conversation_already_running', { conversation_id: 'busy' })
      expect(refused.headers.connection).toBe('close')
      await decide(service, 'busy', body.cwd, question, { behavior: 'allow' })
      const all = await running.ended
      expectWholeRuns(all, 1)
      expectWholeRuns(await streamAll(service.base, { ...body, text: words.say('now') }, all.length), 1, all.length + 1)
    })

    test('refuses another id with the folder and the time to wait, and the id stays unknown', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const running = await stream(service.base, { conversation_id: 'owner', cwd, text: words.hang })
      await running.until(({ event }) => event.subtype === 'init')
      const refused = await postStream(service, { conversation_id: 'stranger', cwd, text: words.say('me too') })
      expectError(refused, 409, 'agent_folder_busy', { cwd, retry_after_ms: 2000 })
      expectError(await events(service, 'stranger'), 404, 'conversation_unknown')
    })

    test('keeps its conversation: activate is refused, but for the one that it has', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const running = await stream(service.base, { conversation_id: 'stays', cwd, text: words.hang })
      await running.until(({ event }) => event.subtype === 'init')
      expectError(await activate(service, 'other', cwd), 409, 'agent_folder_busy', { cwd, retry_after_ms: 2000 })
      expect((await canonical(service, cwd)).json).toMatchObject({ canonical_id: 'stays' })
      expectError(await events(service, 'other'), 404, 'conversation_unknown')
      expect((await activate(service, 'stays', cwd)).json).toMatchObject({ canonical_id: 'stays' })
    })

    test('does not keep another folder from working', async () => {
      await using service = await startTestService({ agent })
      const running = await stream(service.base, {
        conversation_id: 'one',
        cwd: service.folder(),
        text: words.hang,
      })
      await running.until(({ event }) => event.subtype === 'init')
      const other = { conversation_id: 'two', cwd: service.folder(), text: words.say('free') }
      expectWholeRuns(await streamAll(service.base, other), 1)
    })

    test('is free again after a restart, and the run it had is closed', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'cut', cwd: service.folder() }
      const running = await stream(service.base, { ...body, text: words.hang })
      await running.until(({ event }) => event.subtype === 'init')
      await service.restart()
      // Whoever listened to the last saw it, too.
      const seen = await running.ended
      expectWholeRuns(seen, 1)
      expect(seen.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/\w+ \w+/) })
      const next = await streamAll(service.base, { ...body, text: words.say('again') }, seen.length)
      expectWholeRuns(next, 1, seen.length + 1)
      expect(next.at(-1)?.event).toMatchObject({ is_error: false })
    })
  })
}
